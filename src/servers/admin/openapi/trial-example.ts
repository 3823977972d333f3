// An example of what a Replane project's configs are for a context, for the description of the API.

export const EVALUATED = {
  version: 1_795_662_130_000,
  configs: [
    {
      name: 'limits',
      value: { rps: 500 },
      override: 0,
      baseValue: { rps: 100 },
      overrides: [
        {
          name: 'for pro',
          result: 'matched',
          value: { rps: 500 },
          conditions: [
            {
              operator: 'equals',
              asks: { property: 'plan', value: 'pro' },
              result: 'matched',
              reason: '"plan" is "pro": equals "pro"',
            },
          ],
        },
      ],
    },
  ],
  leftOut: 0,
} as const;
