// What `serverless remove` leaves behind: the resources that hold data. Their names are fixed, so they stand in the way of the next
// deployment of the same stage until they are freed.
//
// CloudFormation's automatic import does not adopt them: it takes no name that holds a function, and the buckets' names hold the
// account and the region. (CloudFormation user guide, "Import AWS resources into a CloudFormation stack automatically")
import { readConfiguration } from './read-configuration.ts';
import { collectTemplate, createScope } from './template.ts';

export interface RetainedResource {
  logicalId: string;
  type: RetainedType;
  name: string;
  /** Commands of a shell that delete it with all that it holds. */
  free: readonly string[];
}

/** Where a stack is, or was. */
export interface StackPlace {
  stage: string;
  region: string;
  accountId: string;
}

type RetainedType = 'AWS::S3::Bucket' | 'AWS::DynamoDB::Table';

/**
 * @param serviceFile path of serverless.yml
 * @throws Error for a retained resource of a type that has no commands here
 */
export async function retainedResources(serviceFile: string, place: StackPlace): Promise<RetainedResource[]> {
  const { stage, region, accountId } = place;
  const configuration = await readConfiguration(serviceFile, {}, stage);
  const template = collectTemplate(configuration);
  const identity = { stackName: `${configuration.service}-${stage}`, region, accountId };
  const scope = createScope(template, identity, {});
  return Object.entries(template.resources)
    .filter(([, { DeletionPolicy }]) => DeletionPolicy?.startsWith('Retain'))
    .map(([logicalId, { Type: type }]) => {
      const name = scope.nameOf(logicalId);
      return { logicalId, type: retainedType(type), name, free: COMMANDS[retainedType(type)](name, region) };
    });
}

const COMMANDS: Record<RetainedType, (name: string, region: string) => readonly string[]> = {
  // `rb --force` deletes no versions: those go first, a page of 1,000 at a time. In a file, since a list of so many is more than
  // one argument of a command may have. What is refused stays, and would be listed again and again.
  'AWS::S3::Bucket': (name, region) => [
    'page=$(mktemp); ' +
      `while aws s3api list-object-versions --region ${region} --bucket ${name} --no-paginate --output json ` +
      "--query '{Objects:[Versions,DeleteMarkers][].{Key:Key,VersionId:VersionId},Quiet:`true`}' " +
      '> "$page" && grep -q VersionId "$page"; do ' +
      `refused=$(aws s3api delete-objects --region ${region} --bucket ${name} --delete "file://$page" ` +
      '--query Errors --output text) || refused="see the error above"; ' +
      '[ "$refused" = None ] || { echo "not deleted: $refused"; break; }; done; rm -f "$page"',
    `aws s3 rb --region ${region} s3://${name}`,
  ],
  'AWS::DynamoDB::Table': (name, region) => [
    `aws dynamodb delete-table --region ${region} --table-name ${name}`,
  ],
};

function retainedType(type: string): RetainedType {
  if (type in COMMANDS) return type as RetainedType;
  throw new Error(`serverless.yml retains a resource of type ${type}: say in leftovers.ts how to delete one`);
}
