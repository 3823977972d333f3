// What can be typed behind ./run_locally.sh, and what the proxy is handed of it.

export const USAGE = `usage: ./run_locally.sh [--live] [MODE CACHE] [OPTION OF THE PROXY]...

Starts the proxy ('grpc-and-http local' where MODE and CACHE are left out) in front of a demo origin whose specs
change every few seconds. With --live, or with STATSIG_ENDPOINT set, there is no demo and the proxy asks the real origin.

  ./run_locally.sh -p 2 --http-port 9000 --grpc-port 9001 --admin-port 9002
  ./run_locally.sh grpc-and-http redis
  ./run_locally.sh http disabled --debug-logging
  ./run_locally.sh --live

Options of the proxy, once this script has built it: node dist/main.js --help`;

export interface Arguments {
  readonly isHelp: boolean;
  /** The proxy asks a real origin. */
  readonly isLive: boolean;
  /** MODE, CACHE and options. */
  readonly forProxy: readonly string[];
}

export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): Arguments {
  const rest = args.filter((argument) => argument !== '--live');
  const hasOperands = rest[0] !== undefined && !rest[0].startsWith('-');
  return {
    isHelp: args.includes('-h') || args.includes('--help'),
    isLive:
      rest.length < args.length ||
      isSet(env['STATSIG_ENDPOINT']) ||
      rest.some((argument) => argument.startsWith('--statsig-endpoint')),
    forProxy: hasOperands ? rest : ['grpc-and-http', 'local', ...rest],
  };
}

/** The arguments without this option and its value. */
export function withoutOption(args: readonly string[], option: string): readonly string[] {
  return args.filter((argument, index) => {
    return argument !== option && args[index - 1] !== option && !argument.startsWith(`${option}=`);
  });
}

export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
