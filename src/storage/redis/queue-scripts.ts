// What Redis does in one step for the fleet's queue: each script sees one shard, or the list of replicas, and checks who owns it.

/** Keys that the origin took events of, remembered in each shard; the one taken longest ago leaves first. */
const KNOWN_KEYS_MAX = 2_000;
/** Dead letters of one shard; the oldest leave first. */
export const SHARD_DEAD_BYTES_MAX = 4 * 1024 * 1024;

/**
 * `waits` is the stream of what waits, in its order: everything in it is still to be sent, so no consumer group has to
 * remember that as well. `bodies` holds what is large, so that the order can be read without it. `state` has the owner, the
 * counts, and of each key `n|` batches and `b|` bytes.
 * `owns`: whether the caller is still the owner; a lease that ran out counts until somebody else takes it.
 * `makes_room`: a Redis without memory refuses a script's first write where that may need memory, and none after it. What
 * renews a lease or takes something out begins with a write that needs none, as nothing could ever leave a full Redis otherwise.
 */
const PRELUDE = `
local waits, bodies, state, dead, known = unpack(KEYS)
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function number(text) return tonumber(text or '0') or 0 end
local function owns(instance, token)
  local f = redis.call('HMGET', state, 'owner', 'token')
  return f[1] == instance and f[2] == token
end
local function makes_room() redis.call('HDEL', state, '-') end
local function counts()
  local f = redis.call('HMGET', state, 'known_batches', 'known_bytes', 'unknown_batches', 'unknown_bytes')
  return number(f[1]), number(f[2]), number(f[3]), number(f[4])
end
local function add(field, more)
  if redis.call('HINCRBY', state, field, more) <= 0 then redis.call('HDEL', state, field) end
end
local function count(part, key, batches, bytes)
  add(part .. '_batches', batches)
  add(part .. '_bytes', bytes)
  add('n|' .. key, batches)
  add('b|' .. key, bytes)
end
local function fields_of(list)
  local fields = {}
  for i = 1, #list, 2 do fields[list[i]] = list[i + 1] end
  return fields
end
`;

/**
 * All by Redis' own clock. A lease that lasts longer than any can was given by a clock that was ahead, such as another
 * master's: it is cut to what is usual.
 */
const TEND = `${PRELUDE}
local instance, ttl_ms, wish = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local now = now_ms()
local f = redis.call('HMGET', state, 'owner', 'token', 'until', 'dead_letters')
local owner, token, until_ms = f[1] or '', f[2] or '0', number(f[3])
local function lasts_until(ms) redis.call('HSET', state, 'until', string.format('%.0f', ms)) end
local is_mine = owner == instance
if wish == 'release' then
  if is_mine then
    makes_room()
    redis.call('HSET', state, 'owner', '')
    owner = ''
  end
elseif wish ~= 'look' then
  makes_room()
  if is_mine then lasts_until(now + ttl_ms)
  elseif wish == 'own' and (owner == '' or until_ms <= now) then
    token = string.format('%.0f', redis.call('HINCRBY', state, 'token', 1))
    redis.call('HSET', state, 'owner', instance)
    lasts_until(now + ttl_ms)
    owner = instance
  elseif until_ms > now + ttl_ms then lasts_until(now + ttl_ms)
  end
end
local first = redis.call('XRANGE', waits, '-', '+', 'COUNT', 1)[1]
local age = ''
if first then age = string.format('%.0f', math.max(0, now - tonumber(string.match(first[1], '^%d+')))) end
if owner ~= instance and until_ms <= now then owner = '' end
return { owner, token, age, number(f[4]), counts() }
`;

/** Room is given as in a replica's own queue, by what all shards hold: this one now, the others as they were last seen. */
const APPEND = `${PRELUDE}
local id, key, part, bytes, facts, body = unpack(ARGV, 1, 6)
local a = {}
for i = 7, #ARGV do a[i - 6] = tonumber(ARGV[i]) end
local batches_max, bytes_max, reserved, little = a[1], a[2], a[3], a[4]
local limits = { known = { a[5], a[6] }, unknown = { a[7], a[8] } }
local function answer(word, position) return { word, position, counts() } end
if redis.call('HEXISTS', bodies, id) == 1 then return answer('kept', '') end
if part == 'unknown' and redis.call('ZSCORE', known, key) then part = 'known' end
local kn, kb, un, ub = counts()
kn, kb, un, ub = kn + a[9], kb + a[10], un + a[11], ub + a[12]
local held = { known = { kn, kb }, unknown = { un, ub } }
local own = redis.call('HMGET', state, 'n|' .. key, 'b|' .. key)
local function allows(max, little_min, own_now, more, all)
  local free = max - all
  if free <= 0 then return false end
  return own_now < free - max * reserved or own_now + more <= math.max(little_min, max * little)
end
local has_room = kn + un < batches_max and kb + ub + bytes <= bytes_max
  and allows(limits[part][1], 1, number(own[1]), 1, held[part][1])
  and allows(limits[part][2], 0, number(own[2]), tonumber(bytes), held[part][2])
if not has_room then return answer(own[1] and 'full' or 'full_first', '') end
redis.call('HSET', bodies, id, body)
local position = redis.call('XADD', waits, '*', 'id', id, 'key', key, 'part', part, 'bytes', bytes, 'facts', facts)
count(part, key, 1, bytes)
return answer('kept', position)
`;

const READ = `${PRELUDE}
if not owns(ARGV[1], ARGV[2]) then return 'lost' end
return redis.call('XRANGE', waits, ARGV[3], '+', 'COUNT', ARGV[4])
`;

/** Only for an owner whose lease lasts: who was paused meanwhile must not send what another sends. */
const BODY = `${PRELUDE}
if not owns(ARGV[1], ARGV[2]) then return 'lost' end
if number(redis.call('HMGET', state, 'until')[1]) <= now_ms() then return 'lost' end
return { redis.call('HMGET', bodies, ARGV[3])[1] or '' }
`;

/** Takes an entry out; with a letter it goes among the dead ones, in the same step. */
const FINISH = `${PRELUDE}
local instance, token, position, is_taken, letter = unpack(ARGV)
if not owns(instance, token) then return 'lost' end
local entry = redis.call('XRANGE', waits, position, position)[1]
if not entry then return 'gone' end
local fields = fields_of(entry[2])
redis.call('XDEL', waits, position)
local body = letter ~= '' and redis.call('HMGET', bodies, fields.id)[1] or ''
redis.call('HDEL', bodies, fields.id)
count(fields.part, fields.key, -1, -number(fields.bytes))
if is_taken == '1' then
  redis.call('ZADD', known, now_ms(), fields.key)
  redis.call('ZREMRANGEBYRANK', known, 0, -${KNOWN_KEYS_MAX + 1})
end
if letter == '' then return 'done' end
redis.call('XADD', dead, '*', 'letter', letter, 'sealed', body)
add('dead_letters', 1)
add('dead_bytes', #letter + #body)
local bytes = number(redis.call('HMGET', state, 'dead_bytes')[1])
while bytes > ${SHARD_DEAD_BYTES_MAX} do
  local oldest = redis.call('XRANGE', dead, '-', '+', 'COUNT', 2)
  if #oldest < 2 then break end
  local gone = fields_of(oldest[1][2])
  local size = #gone.letter + #gone.sealed
  redis.call('XDEL', dead, oldest[1][1])
  add('dead_letters', -1)
  add('dead_bytes', -size)
  bytes = bytes - size
end
return 'done'
`;

/** KEYS: the replicas by when they were last there, and how many shards were ever used: those beyond today's may hold some. */
const BEAT = `
local members, used = unpack(KEYS)
local instance, ttl_ms, shards = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', members, '-inf', now - ttl_ms)
redis.call('ZREMRANGEBYSCORE', members, now + ttl_ms, '+inf')
if shards == 0 then redis.call('ZREM', members, instance)
else redis.call('ZADD', members, now, instance) end
local most = tonumber(redis.call('GET', used) or '0') or 0
if shards > most then
  most = shards
  redis.call('SET', used, most)
end
local answer = redis.call('ZRANGE', members, 0, -1)
table.insert(answer, 1, most)
return answer
`;

export const QUEUE_SCRIPTS = {
  beatInQueue: { lua: BEAT },
  tendShard: { lua: TEND },
  appendToShard: { lua: APPEND },
  readShard: { lua: READ },
  readShardBody: { lua: BODY },
  finishInShard: { lua: FINISH },
} as const;
