import { compiled } from './compiled.ts';

// The program: what it does is in main.ts.
void compiled()
  .main(process.argv)
  .then((code) => {
    process.exitCode = code;
    // Taking V8's heap to pieces costs a short command 20 ms; what a slow reader has not read yet is waited for.
    if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
  });
