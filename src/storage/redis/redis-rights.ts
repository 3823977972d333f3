// What a user of Redis may do, as Redis itself tells a script.
import type { NeededCommand } from './redis-permissions.js';

/**
 * Redis 7 tells a script what the user may do; `ACL DRYRUN` would say the same, to administrators only. Answers a word for each
 * command, or nothing where it cannot tell.
 */
const MAY = `
if not redis.acl_check_cmd then return {} end
local answers = {}
for i, text in ipairs(ARGV) do
  local is_known, may = pcall(redis.acl_check_cmd, unpack(cjson.decode(text)))
  answers[i] = (is_known and may) and 'yes' or 'no'
end
return answers
`;

/**
 * Names of the commands that may not be sent, or not on these names; undefined where scripts are refused, or Redis is too old
 * to tell. `evaluate` sends EVAL with these words, and gives undefined where that is refused.
 */
export async function deniedByScript(
  evaluate: (...words: readonly string[]) => Promise<unknown>,
  needed: readonly NeededCommand[],
): Promise<readonly string[] | undefined> {
  const answers = await evaluate(MAY, '0', ...needed.map((command) => JSON.stringify(command.words)));
  if (!Array.isArray(answers) || answers.length !== needed.length) return undefined;
  return namesOf(needed.filter((_command, index) => answers[index] !== 'yes'));
}

export function namesOf(commands: readonly NeededCommand[]): readonly string[] {
  return [...new Set(commands.map(({ words: [name = ''] }) => name))];
}
