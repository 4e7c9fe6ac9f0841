// Holds the packaged CloudFormation template to what is promised of this stack. What any template should keep is in rules/.
//
// One file, since packaging takes longest: each of these adds the tests of its subject.
import './subjects/deployment.ts';
import './subjects/events.ts';
import './subjects/functions.ts';
import './subjects/limits.ts';
import './subjects/storage.ts';
import './subjects/watched.ts';
