import { compiled } from './compiled.ts';

// The program: what it does is in main.ts.
void compiled()
  .main(process.argv)
  .then((code) => {
    process.exit(code);
  });
