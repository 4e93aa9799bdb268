/** The Rails application itself, where Ruby is. Its statements are those that are recorded. */
import { expect, test } from 'vitest';
import { missingForRuby, RECORDED, RECORDED_WITH, RubyApplication } from './application.ts';
import { railsStory } from './rails.suite.ts';

const missing = missingForRuby();

if (missing !== undefined) {
  test.skip(`ActiveRecord itself: there is no ${missing}`, () => undefined);
} else {
  let application: RubyApplication | undefined;
  railsStory(async (databaseUrl) => {
    application = await RubyApplication.start(databaseUrl);
    return application;
  });
  test('ActiveRecord sends what is recorded', async ({ skip }) => {
    if (application?.version.startsWith(RECORDED_WITH) !== true)
      skip(`recorded with ${RECORDED_WITH}x, and this is ${application?.version}`);
    await expect(application?.recorded()).toMatchFileSnapshot(RECORDED);
  });
}
