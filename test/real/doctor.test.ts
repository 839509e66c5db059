import { rmSync } from 'node:fs';
import { describe } from 'vitest';
import { directory, isGiven } from './lab.ts';
import { theDoctorNamesEachCause } from './provoked.ts';

// On a lab that is up already: LAB_REAL_DIR. Without it nothing runs here, and sandbox.test.ts does this on the lab that it builds.
if (!isGiven) rmSync(directory, { recursive: true });

(isGiven ? describe.sequential : describe.skip)('lab doctor on a lab that is up', theDoctorNamesEachCause);
