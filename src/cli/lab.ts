import { compiled } from './compiled.ts';

// The program: what it does is in main.ts.
const { main, allIsOut } = compiled();

void main(process.argv).then((code) => {
  process.exitCode = code;
  if (allIsOut()) process.exit();
});
