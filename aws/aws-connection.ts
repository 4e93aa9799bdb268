/** Where AWS is and who asks; what is left out is found as the SDK finds it: environment, profile, role. */
export interface AwsConnection {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}
