// Puts manager and delegate into one file each, beside what they load later, which halves the time a process takes to start. These
// take the place of the compiled entries, so that whoever starts them need not know (ADR 34).
import { build } from 'rolldown';

/** What the frameworks ask for only where it is installed, and what is loaded by those alone who use a cloud. */
const left =
  /^@nestjs\/(microservices|websockets|platform-express)(\/|$)|^class-(validator|transformer)(\/|$)|^@fastify\/(multipart|static|view)$|^pg-native$|^msgpackr-extract$|^@(aws-sdk|azure|google-cloud)\/|^google-gax$/;

const program = (dir, input) => ({
  input,
  platform: 'node',
  external: left,
  output: {
    dir,
    format: 'esm',
    sourcemap: true,
    // Names of classes are what their errors and the logs say.
    keepNames: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].part.js',
  },
});

await build([
  program('dist/src', {
    main: 'dist/src/main.js',
    'document-worker': 'dist/src/entities/document-worker.js',
  }),
  program('dist/workers', { delegate: 'dist/workers/delegate.js' }),
]);
