// What Redis does in one step: entries are overwritten by newer ones only, and only its holder renews or ends a lease.
import { VERSION_AHEAD_MS_MAX } from '../../domain/version.js';
import { QUEUE_SCRIPTS } from './queue-scripts.js';

/**
 * The fields of an entry. The first three are SFP's and what SDKs' adapters read; the others are ours, and describe
 * the version in `sfp_version` only: SFP may have written a newer `lcut` and `config` beside them.
 */
export const FIELDS = {
  encoding: 'encoding',
  version: 'lcut',
  config: 'config',
  ourVersion: 'sfp_version',
  /** Of the body that the origin sent. */
  format: 'sfp_format',
  bodyEncoding: 'sfp_body_encoding',
  body: 'sfp_body',
  /** Lengths of config and body as they were written; the mirror has the first as well. */
  configBytes: 'sfp_config_bytes',
  bodyBytes: 'sfp_body_bytes',
  owner: 'sfp_owner',
  /** Milliseconds since 1970, by the clock of the Redis that holds the entry. */
  confirmed: 'sfp_confirmed',
  confirmedBy: 'sfp_confirmed_by',
} as const;

/**
 * Versions are compared as numbers and kept as text: Lua's numbers are exact up to 2^53, but printed with 14 digits. Any
 * other text counts as no version.
 * `kind_of`: 'none', 'hash', or the kind of another value that is stored under the name.
 * `is_whole`: config and body are as long as they were written; another program may have replaced them.
 * `sign` notes a confirmation of the entry's version, `ago_ms` before now; a later one of the same version stays.
 * `is_in_future`, `is_newer`: as in domain/version.ts, by Redis' own clock, so that all replicas get the same answer. No replica loads a mirror and so proves its version wrong; its JSON at least has to contain that number.
 * `is_sealed_as`: the body is sealed with this data key; with none, where it is empty; with whatever, where it is '*'.
 * `look_as`: an entry with another key's owner is taken where keys may share its name; under any other name it is a
 * copy, and counts as nothing.
 */
const PRELUDE = `
local function version_of(text)
  if not text or #text > 16 or not string.find(text, '^%d+$') then return nil end
  local version = tonumber(text)
  if version > 9007199254740991 then return nil end
  return version
end
local function kind_of(name)
  local kind = redis.call('TYPE', name)
  return kind.ok or kind
end
local function now_ms()
  local time = redis.call('TIME')
  return time[1] .. string.format('%03d', math.floor(tonumber(time[2]) / 1000))
end
local function look_at(name)
  local f = redis.call('HMGET', name, 'lcut', 'sfp_version', 'sfp_owner', 'sfp_config_bytes', 'sfp_body_bytes')
  return { text = f[1], version = version_of(f[1]), is_ours = f[1] and f[1] == f[2], owner = f[3],
    config_bytes = f[4], body_bytes = f[5] }
end
local function sign(name, entry, version, by, ago_ms)
  local now = tonumber(now_ms())
  local at = math.max(0, now - tonumber(ago_ms))
  local f = redis.call('HMGET', name, 'sfp_confirmed', 'sfp_confirmed_by')
  local before = entry.is_ours and entry.version == version and version_of(f[1])
  if before and before > now + 1000 then before = nil end
  if not before or at >= before then
    redis.call('HSET', name, 'sfp_confirmed', string.format('%.0f', at), 'sfp_confirmed_by', by)
  end
  if not before or not f[2] or f[2] == by then return 'stored' end
  return string.format('stored %.0f', math.max(0, now - before))
end
local function has_bytes(name, field, bytes)
  return bytes and redis.call('HSTRLEN', name, field) == tonumber(bytes)
end
local function is_whole(name, entry)
  local has_coding = redis.call('HEXISTS', name, 'sfp_body_encoding') == 1
  return entry.is_ours and has_bytes(name, 'config', entry.config_bytes)
    and has_bytes(name, 'sfp_body', entry.body_bytes) and has_coding == (entry.body_bytes ~= '0')
end
local function is_sealed_as(name, seal)
  if seal == '*' then return true end
  local coding = redis.call('HMGET', name, 'sfp_body_encoding')[1] or ''
  return (string.match(coding, '%+(.*)$') or '') == seal
end
local function is_in_future(version)
  return version > tonumber(now_ms()) + ${VERSION_AHEAD_MS_MAX}
end
local function is_newer(name, role, entry, version)
  if not entry.version then return false end
  local is_version_in_future = is_in_future(version)
  if is_in_future(entry.version) ~= is_version_in_future then
    if not is_version_in_future then return false end
  elseif entry.version <= version then return false end
  return role == 'e' or string.find(redis.call('HMGET', name, 'config')[1] or '', entry.text, 1, true) ~= nil
end
local function look_as(name, role, owner, is_shared)
  local entry = look_at(name)
  if entry.is_ours and entry.owner and entry.owner ~= owner then
    entry.is_taken = role == 'e' and is_shared == '1'
    entry.is_ours, entry.version = false, nil
  end
  return entry
end
`;

/**
 * One answer for each name: a word; after a blank, for `newer` the version, and for `stored` how many milliseconds before
 * another had confirmed it, where the last confirmation was another's.
 */
const CONFIRM = `${PRELUDE}
local roles, version_text, ttl_s, owner, is_shared, by, ago_ms, seal = unpack(ARGV)
local version = tonumber(version_text)
local function confirm(name, role)
  local kind = kind_of(name)
  if kind == 'none' then return 'behind' end
  if kind ~= 'hash' then return 'wrong_type' end
  local entry = look_as(name, role, owner, is_shared)
  if entry.is_taken then return 'foreign_key' end
  if is_newer(name, role, entry, version) then return 'newer ' .. entry.text end
  if entry.version ~= version then return 'behind' end
  if role == 'e' then
    if not is_whole(name, entry) or not is_sealed_as(name, seal) then return 'behind' end
    local answer = sign(name, entry, version, by, ago_ms)
    redis.call('EXPIRE', name, ttl_s)
    return answer
  end
  if not has_bytes(name, 'config', entry.config_bytes) then return 'behind' end
  redis.call('EXPIRE', name, ttl_s)
  return 'stored'
end
local answers = {}
for i, name in ipairs(KEYS) do answers[i] = confirm(name, string.sub(roles, i, i)) end
return answers
`;

/**
 * The fields of a version are written and dropped together, so that they always belong together. HSET comes first: a
 * Redis without memory refuses a script's first write, but none after it.
 */
const SAVE = `${PRELUDE}
local roles, version_text, ttl_s, owner, is_shared, by, ago_ms, seal, encoding = unpack(ARGV, 1, 9)
local channel, message, format, body_encoding, body, config = unpack(ARGV, 10)
local version = tonumber(version_text)
local function write_entry(name)
  redis.call('HSET', name, 'encoding', encoding, 'lcut', version_text, 'sfp_version', version_text,
    'sfp_format', format, 'sfp_owner', owner, 'sfp_config_bytes', #config, 'sfp_body_bytes', #body)
  if config == '' then redis.call('HDEL', name, 'config') else redis.call('HSET', name, 'config', config) end
  if body == '' then redis.call('HDEL', name, 'sfp_body', 'sfp_body_encoding')
  else redis.call('HSET', name, 'sfp_body', body, 'sfp_body_encoding', body_encoding) end
end
local function save(name, role)
  local kind = kind_of(name)
  if kind ~= 'none' and kind ~= 'hash' then return 'wrong_type' end
  local entry = look_as(name, role, owner, is_shared)
  if entry.is_taken then return 'foreign_key' end
  if is_newer(name, role, entry, version) then return 'newer ' .. entry.text end
  local answer = 'stored'
  if role == 'm' then
    redis.call('HSET', name, 'encoding', encoding, 'lcut', version_text, 'sfp_config_bytes', #config,
      'config', config)
  else
    if entry.version ~= version or not is_whole(name, entry) or not is_sealed_as(name, seal) then
      write_entry(name)
    end
    answer = sign(name, entry, version, by, ago_ms)
    if entry.version ~= version then redis.pcall('PUBLISH', channel, message) end
  end
  redis.call('EXPIRE', name, ttl_s)
  return answer
end
local answers = {}
for i, name in ipairs(KEYS) do answers[i] = save(name, string.sub(roles, i, i)) end
return answers
`;

/** Under a name that keys may share, only an entry that is certainly ours is removed. */
const REMOVE = `${PRELUDE}
local roles, owner, is_shared = unpack(ARGV)
local function remove(name, role)
  local kind = kind_of(name)
  if kind == 'none' then return 'missing' end
  if kind ~= 'hash' then return 'wrong_type' end
  if role == 'e' and is_shared == '1' then
    local entry = look_at(name)
    if not entry.is_ours or entry.owner ~= owner then return 'foreign_key' end
  end
  redis.call('UNLINK', name)
  return 'removed'
end
local answers = {}
for i, name in ipairs(KEYS) do answers[i] = remove(name, string.sub(roles, i, i)) end
return answers
`;

/**
 * Takes the version from an entry whose body turned out not to be of that version, so that any version overwrites it;
 * not where something else was written since.
 */
const DISPROVE = `
local version_text, field, bytes = unpack(ARGV)
if redis.call('HMGET', KEYS[1], 'lcut')[1] ~= version_text then return 0 end
if redis.call('HSTRLEN', KEYS[1], field) ~= tonumber(bytes) then return 0 end
return redis.call('HDEL', KEYS[1], 'lcut', 'sfp_version')
`;

/**
 * The time in milliseconds, then for each name its small fields and, where asked for, the sizes of config and body;
 * one command for each name where they are not. A name with another kind of value answers 'wrong_type', one without
 * a value nothing at all.
 */
const STATE = `${PRELUDE}
local wants_sizes = ARGV[1] == 'sizes'
local answers = { now_ms() }
for i, name in ipairs(KEYS) do
  local fields = redis.pcall('HMGET', name, 'lcut', 'sfp_version', 'sfp_owner', 'sfp_confirmed', 'sfp_confirmed_by',
    'sfp_format', 'sfp_body_encoding')
  if fields.err then
    if not string.find(fields.err, 'WRONGTYPE') then return fields end
    fields = { 'wrong_type' }
  elseif wants_sizes then
    fields[8] = redis.call('HSTRLEN', name, 'config')
    fields[9] = redis.call('HSTRLEN', name, 'sfp_body')
    fields[10] = redis.call('EXISTS', name)
  end
  answers[i + 1] = fields
end
return answers
`;

/** Renews the caller's lease. Returns its holder, if there is one; a lock that would last for ever is made to expire. */
const RENEW = `
local holder = redis.call('GET', KEYS[1])
if holder and (holder == ARGV[1] or redis.call('PTTL', KEYS[1]) == -1) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return holder
`;

/** Ends the caller's lease, and tells the other replicas. */
const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
return 1
`;

/** ioredis sends each by its hash once a connection knows it, and again as text where Redis has forgotten it. */
export const SCRIPTS = {
  confirmEntry: { lua: CONFIRM },
  saveEntry: { lua: SAVE },
  removeEntry: { lua: REMOVE },
  disproveEntry: { lua: DISPROVE },
  lookAtEntries: { lua: STATE },
  renewLease: { lua: RENEW },
  releaseLease: { lua: RELEASE },
  ...QUEUE_SCRIPTS,
} as const;

export type ScriptName = keyof typeof SCRIPTS;
