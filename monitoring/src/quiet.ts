// Which queries have nothing to show though everything is there and has happened: alerts of what must not happen in a
// deployment that works, and of what takes longer than a test. That they fire is proven by `promtool test rules`.

export const QUIET: Readonly<Record<string, string>> = {
  'rule CanaryPassRateBurnFast': 'thirty tests of a path have to be counted',
  'rule CanaryPassRateBurnSlow': 'sixty tests of a path have to be counted',
  'rule CanaryStale': 'every path had outcomes lately',
  'rule CanaryNoLeader': 'somebody leads',
  'rule CanaryTwoLeaders': 'one leads',
  'rule CanaryReactorBlind': 'the reactors see',
  'rule CanaryVerdictDelay': 'verdicts come in time',
  'rule CanaryAccountingResidual': 'the accounting comes out even',
  'rule CanaryAgentRunway': 'the agents have funds for years',
  'rule CanaryClockError': 'the clock is known well',
  'rule CanaryExportLag': 'the export keeps up',
  'rule CanaryWebhookLost': 'receivers take what they are sent',
  'rule CanaryAbsent': 'the canary is there',
  'rule CanaryMaintenance': 'not every path is held',
};
