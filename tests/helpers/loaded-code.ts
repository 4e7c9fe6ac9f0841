// What production loads with its first use is loaded here, before a test begins: loading takes the machine's time, in which a
// virtual clock would go on, and a script's next step would be taken.
import '../../shared/aws/sqs.ts';
import '../../shared/sources/late-writers.ts';
