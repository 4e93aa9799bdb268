import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AvailabilityZoneRebalancing,
  AwsLogDriverMode,
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDriver,
  OperatingSystemFamily,
  Secret,
} from 'aws-cdk-lib/aws-ecs';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { FilterPattern, type ILogGroup, LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { NAME_VARIABLE } from '../core/contracts/deployment-name.ts';
import type { ChangeQueue } from './change-queue.ts';
import type { DatabaseAccess } from './database-access.ts';
import type { Deployment } from './deployment.ts';
import type { Operations } from './operations.ts';

export interface WalStreamerProps {
  readonly deployment: Deployment;
  readonly database: DatabaseAccess;
  /** By object. */
  readonly queues: ReadonlyMap<string, ChangeQueue>;
  /** URL by object, as JSON. */
  readonly queueUrls: string;
  readonly operations: Operations;
}

const HEARTBEAT_FILE = '/tmp/sfsync-heartbeat';
/** Filled when the image is built: see its Dockerfile. */
const COMPILE_CACHE = '/tmp/sfsync-compile-cache';
/** Every two seconds while it streams; while the database is away, with every attempt to connect, at most 25 s apart. */
const HEARTBEAT_MAX_AGE_MS = 60_000;

/** The one Fargate task that reads the replication slot. Never two: the slot has one reader, and a second would only fail. */
export class WalStreamer extends Construct {
  readonly service: FargateService;

  constructor(scope: Construct, id: string, props: WalStreamerProps) {
    super(scope, id);
    const { deployment, database, queues, operations } = props;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: deployment.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const taskDefinition = this.#taskDefinition(props, logGroup);
    for (const { queue } of queues.values()) queue.grantSendMessages(taskDefinition.taskRole);
    EventBus.fromEventBusName(this, 'DefaultBus', 'default').grantPutEventsTo(taskDefinition.taskRole);

    const cluster = new Cluster(this, 'Cluster', {
      vpc: database.vpc,
      containerInsightsV2: ContainerInsights.ENABLED,
    });
    this.service = new FargateService(this, 'Service', {
      // Its declarations were not written for exact optional properties.
      cluster: cluster as ICluster,
      taskDefinition,
      vpcSubnets: database.subnets,
      securityGroups: [database.securityGroup],
      assignPublicIp: false,
      // Stop the old one, then start the new one.
      desiredCount: 1,
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      // On by default for new services, and it wants to start before it stops.
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.DISABLED,
      circuitBreaker: { rollback: true },
    });
    this.#alarmWhenNotRunning(operations);
    this.#alarmWhenStopped(props, logGroup);
    this.#alarmWhenNotStreaming(props, logGroup);
  }

  #taskDefinition({ deployment, database, queueUrls }: WalStreamerProps, logGroup: LogGroup): FargateTaskDefinition {
    const taskDefinition = new FargateTaskDefinition(this, 'Task', {
      cpu: 512,
      memoryLimitMiB: 1024,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX },
    });
    const secret = (field: string) => Secret.fromSecretsManager(database.streamerSecret, field);
    taskDefinition.addContainer('wal-streamer', {
      image: ContainerImage.fromAsset(deployment.code.streamerImage, {
        platform: Platform.LINUX_ARM64,
      }),
      environment: {
        CHANGE_QUEUE_URLS: queueUrls,
        HEARTBEAT_FILE,
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        [NAME_VARIABLE]: deployment.name,
        POWERTOOLS_SERVICE_NAME: deployment.name,
        POWERTOOLS_LOG_LEVEL: 'INFO',
      },
      secrets: {
        PGHOST: secret('host'),
        PGPORT: secret('port'),
        PGDATABASE: secret('dbname'),
        PGUSER: secret('username'),
        PGPASSWORD: secret('password'),
      },
      // Fargate's maximum: what was published is still to be confirmed.
      stopTimeout: Duration.seconds(120),
      healthCheck: {
        // Without a shell, which the image need not have.
        command: [
          'CMD',
          'node',
          '-e',
          `process.exit(Date.now() - require('node:fs').statSync('${HEARTBEAT_FILE}').mtimeMs < ${HEARTBEAT_MAX_AGE_MS} ? 0 : 1)`,
        ],
        interval: Duration.seconds(30),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(60),
      },
      logging: LogDriver.awsLogs({
        streamPrefix: 'wal-streamer',
        logGroup,
        // A standstill of the logs must not become one of the slot.
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(25),
      }),
    });
    return taskDefinition;
  }

  #alarmWhenNotRunning(operations: Operations): void {
    operations.alarm(this, 'NotRunningAlarm', {
      metric: new Metric({
        namespace: 'ECS/ContainerInsights',
        metricName: 'RunningTaskCount',
        dimensionsMap: { ClusterName: this.service.cluster.clusterName, ServiceName: this.service.serviceName },
        statistic: Stats.MINIMUM,
        period: Duration.minutes(1),
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      periods: 5,
      missing: TreatMissingData.BREACHING,
      meaning: 'No streamer reads the replication slot: changes do not leave PostgreSQL, and its WAL piles up.',
      heading: 'The WAL streamer is not running',
    });
  }

  /** A task that is started again and again may look as if it ran: but each one says why it ends. */
  #alarmWhenStopped({ deployment, operations }: WalStreamerProps, logGroup: ILogGroup): void {
    const filter = new MetricFilter(this, 'Stopped', {
      logGroup,
      filterPattern: FilterPattern.stringValue('$.level', '=', 'ERROR'),
      metricNamespace: deployment.name,
      metricName: 'WalStreamerStopped',
      metricValue: '1',
    });
    operations.alarm(this, 'StoppedAlarm', {
      metric: filter.metric({ statistic: Stats.SUM, period: Duration.minutes(1) }),
      threshold: 1,
      meaning: 'The streamer ended because a person has to do something, such as to recover its replication slot.',
      heading: 'The WAL streamer is not running',
    });
  }
  #alarmWhenNotStreaming({ deployment, operations }: WalStreamerProps, logGroup: ILogGroup): void {
    const filter = new MetricFilter(this, 'Streaming', {
      logGroup,
      filterPattern: FilterPattern.exists('$.streaming'),
      metricNamespace: deployment.name,
      metricName: 'WalStreamerStreaming',
      metricValue: '$.streaming',
    });
    operations.alarm(this, 'NotStreamingAlarm', {
      metric: filter.metric({ statistic: Stats.MAXIMUM, period: Duration.minutes(1) }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      periods: 5,
      missing: TreatMissingData.BREACHING,
      meaning:
        'The streamer runs and does not stream: another reader holds the slot, or the database is away or does not let it in.',
      heading: 'The WAL streamer is not running',
    });
  }
}
