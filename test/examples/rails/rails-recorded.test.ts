/** The Rails application, by the statements that ActiveRecord has sent. */
import { RecordedApplication } from './application.ts';
import { railsStory } from './rails.suite.ts';

railsStory((databaseUrl) => RecordedApplication.start(databaseUrl));
