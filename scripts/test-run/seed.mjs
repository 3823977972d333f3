// Preloaded into each test file: all its random walks start from the seed that the runner printed.
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['SEED']) });
