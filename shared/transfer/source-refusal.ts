// A refused request to an object's source. It says nothing of the destination's rate.
import { KnownFault } from './known-fault.ts';

export class SourceRefusal extends KnownFault {}
