-- Requests as core SDKs send them, for wrk: eight headers in any order, and another time of the client each time.
-- Arguments behind `--`: the path with its query, the value of Accept-Encoding, and for how many milliseconds each connection pauses
-- between its requests on average (0, or left out: never).
local HEADS = 2000
local heads, sent = {}, 0

local function shuffled(lines)
  for last = #lines, 2, -1 do
    local other = math.random(last)
    lines[last], lines[other] = lines[other], lines[last]
  end
  return lines
end

local function head(number, path, encodings, key)
  local lines = shuffled({
    "statsig-api-key: " .. key,
    "statsig-sdk-type: statsig-server-core-node",
    "statsig-sdk-version: 0.23.2",
    string.format("statsig-server-session-id: 0f0e0d0c-0b0a-4908-8706-%012d", number),
    string.format("statsig-client-time: %d", 1795628000000 + number * 7919),
    "x-request-service: unknown",
    "accept: */*",
    "accept-encoding: " .. encodings,
  })
  return "GET " .. path .. " HTTP/1.1\r\nhost: 127.0.0.1\r\n" .. table.concat(lines, "\r\n") .. "\r\n\r\n"
end

function init(args)
  math.randomseed(1)
  local path, encodings = args[1], args[2]
  local key = path:match("/([^/]+)%.json")
  for number = 1, HEADS do heads[number] = head(number, path, encodings, key) end
  local pause = tonumber(args[3] or 0)
  -- wrk looks for this function once, after `init`.
  if pause > 0 then
    function delay() return math.random(0, 2 * pause) end
  end
end

function request()
  sent = sent % HEADS + 1
  return heads[sent]
end
