// A fault that is planted in a copy of the packaged template, with the rule that has to find it.
import type { Template } from '../../helpers/package-service.ts';
import type { PolicyDocument } from '../rules/rule.ts';

/** Loosely typed: a fault may stand anywhere. */
export type Properties = Record<string, never>;

export interface PlantedFault {
  rule: string;
  /** A part of what the rule reports. */
  fault: string;
  plant(properties: (id: string) => Properties, template: Template): void;
}

export const planted = (rule: string, fault: string, plant: PlantedFault['plant']): PlantedFault => ({
  rule,
  fault,
  plant,
});

export const set = (target: object | undefined, values: object): void =>
  void Object.assign(target ?? {}, values);

/** The policy of a bucket or queue. */
export const policy = ({ PolicyDocument }: Properties): PolicyDocument =>
  PolicyDocument as unknown as PolicyDocument;

/** The first policy of a role. */
export const rolePolicy = ({ Policies }: Properties): PolicyDocument =>
  policy((Policies as unknown as Properties[])[0] as Properties);
