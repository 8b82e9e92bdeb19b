"""What the server does with tokens in one step.

- `<prefix>t:<hash>`: the client's generation, a space, the record of facts. Its TTL is the token's life.
- `<prefix>g:<client>`: the client's generation, a random word. A token of another generation is dead, and so
  is one without: whoever loses this key revokes, and never revives. One that begins with `!` is closed: the
  client is disabled, and no token is issued in it.
- `<prefix>s:<slot>`: which token to give out again: its hash, a space, the token itself, sealed.
"""

from gateway.store.script import Script

ISSUE = Script(
    "token.issue",
    """
local token, generation_key, slot, clients = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local record, lifetime, fresh, hash, sealed = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local least, tokens, registered = tonumber(ARGV[6]), ARGV[7], ARGV[8]

if registered ~= '' and redis.call('HEXISTS', clients, registered) == 0 then return false end

local generation = redis.call('GET', generation_key)
if generation and string.sub(generation, 1, 1) == '!' then
  if registered ~= '' then return false end
  -- Its namesake in the store was disabled; this client is one of the file.
  generation = false
end
if not generation then
  generation = fresh
  redis.call('SET', generation_key, generation)
end

if sealed ~= '' then
  local kept = redis.call('GET', slot)
  local space = kept and string.find(kept, ' ', 1, true)
  if space then
    local earlier = tokens .. string.sub(kept, 1, space - 1)
    local value = redis.call('GET', earlier)
    local left = redis.call('PTTL', earlier)
    if value and left > least and string.sub(value, 1, #generation + 1) == generation .. ' ' then
      return {left, kept, value}
    end
  end
  redis.call('SET', slot, hash .. ' ' .. sealed, 'PX', lifetime)
end
redis.call('SET', token, generation .. ' ' .. record, 'PX', lifetime)
return {lifetime}
""",
)


FACTS = Script(
    "token.facts",
    """
local function read(key)
  local value = redis.pcall('GET', key)
  -- Something else has this key: there is no such token.
  if type(value) == 'table' and string.find(value.err, 'WRONGTYPE', 1, true) then return false end
  return value
end

local value = read(KEYS[1])
if type(value) ~= 'string' then return value end
local generation, record = string.match(value, '^(%S+) (.+)$')
if not record then return false end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return false end
local sound, facts = pcall(cjson.decode, record)
if not sound or type(facts) ~= 'table' or type(facts.client) ~= 'string' then return false end
local present = read(ARGV[1] .. facts.client)
if type(present) == 'table' then return present end
if present ~= generation then return false end
return {record, left, generation}
""",
)

NEXT_GENERATION = Script(
    "token.next_generation",
    """
local before = redis.call('GET', KEYS[1])
-- A disabled client stays so.
if before and string.sub(before, 1, 1) == '!' then return end
redis.call('SET', KEYS[1], ARGV[1])
""",
)
