import { defineConfig } from '@playwright/test';
import { chromium, chromiumArgs } from './support/chromium.ts';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  // The same on every machine.
  snapshotPathTemplate: '{testDir}/pictures/{arg}{ext}',
  // Generous: what is right passes at once, on a machine of any speed. How fast it is, `make audit` measures.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  // Each test starts real nodes and a browser: two of them fill the smallest machine.
  workers: 2,
  // A test that passes at the second try is broken.
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: 'list',
  use: {
    browserName: 'chromium',
    // Where times read alike on every machine; zone.spec.ts is elsewhere.
    timezoneId: 'UTC',
    launchOptions: { ...(chromium && { executablePath: chromium }), args: chromiumArgs },
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
});
