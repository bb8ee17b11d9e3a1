// Loaded before a manager or delegate: at SIGUSR2 it writes a snapshot of its heap into the folder of HEAP_SNAPSHOTS. The file has
// its name once it is whole.
import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';

let written = 0;
// By default strings are cut, and what stands behind their beginning would not be found.
v8.setFlagsFromString('--heap-snapshot-string-limit=1000000000');
process.on('SIGUSR2', () => {
  const file = path.join(process.env.HEAP_SNAPSHOTS, `${process.pid}-${(written += 1)}`);
  v8.writeHeapSnapshot(`${file}.part`);
  fs.renameSync(`${file}.part`, `${file}.heapsnapshot`);
});
