// The figures of the page, by Playwright's runner: `make audit`.

import { defineConfig } from '@playwright/test';
import tests from './playwright.config.ts';

export default defineConfig({
  ...tests,
  testDir: 'audit',
  outputDir: 'test-results/audit',
  // One thing at a time: each has the machine to itself.
  workers: 1,
  timeout: 1_200_000,
  use: { ...tests.use, trace: 'off', screenshot: 'off' },
});
