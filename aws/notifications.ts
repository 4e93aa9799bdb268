import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';

const client = new SNSClient();

/** SNS takes subjects of at most 100 characters of ASCII. */
const MAX_SUBJECT = 100;

export async function publish(topicArn: string, subject: string, message: string, sns = client): Promise<void> {
  await sns.send(
    new PublishCommand({
      TopicArn: topicArn,
      Subject: subject.replace(/[^\x20-\x7E]/g, '?').slice(0, MAX_SUBJECT),
      Message: message,
    }),
  );
}
