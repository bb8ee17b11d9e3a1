// Puts manager and delegate into one file each, beside what they load later, which halves the time a process takes to start. These
// take the place of the compiled entries, so that whoever starts them need not know (ADR 34).
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'rolldown';

/** What the frameworks ask for only where it is installed, and what is loaded by those alone who use a cloud or send traces. */
const left =
  /^@nestjs\/(microservices|websockets|platform-express)(\/|$)|^class-(validator|transformer)(\/|$)|^@fastify\/(multipart|static|view)$|^pg-native$|^msgpackr-extract$|^@(aws-sdk|azure|google-cloud)\/|^google-gax$|^@opentelemetry\/(sdk-trace|resources|exporter-trace-otlp-http)$/;

const program = (dir, input) => ({
  input,
  platform: 'node',
  external: left,
  // Nothing is left out: what seems to be called for nothing may be called for what it throws.
  treeshake: false,
  output: {
    minify: false,
    dir,
    format: 'esm',
    sourcemap: true,
    // Names of classes are what their errors and the logs say.
    keepNames: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].part.js',
  },
});

/** What the manager runs on threads of its own, which each begin at a file. */
const threads = fs
  .globSync('dist/src/*/*.js')
  .filter((file) => fs.readFileSync(file, 'utf8').includes('parentPort'))
  .map((file) => [path.basename(file, '.js'), file]);

await build([
  program('dist/src', { main: 'dist/src/main.js', ...Object.fromEntries(threads) }),
  program('dist/workers', { delegate: 'dist/workers/delegate.js' }),
]);
