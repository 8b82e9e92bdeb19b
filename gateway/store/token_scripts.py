"""What the server does with tokens in one step.

- `<prefix>t:<hash>`: the client's generation, a space, the record of facts. Its TTL is the token's life.
- `<prefix>g:<client>`: the client's generation, a random word. A token of another generation is dead, and so
  is one without: whoever loses this key revokes, and never revives. One that begins with `!` is closed: the
  client is disabled, and no token is issued in it.
- `<prefix>ug:<user>`: a person's generation, likewise, for tokens that are for a person; see
  `gateway.store.key_names`.
- `<prefix>s:<slot>`: which token to give out again: its hash, a space, the token itself, sealed.
"""

from gateway.store.script import Script

ISSUE = Script(
    "token.issue",
    """
local token, generation_key, slot, clients = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local record, lifetime, sealed, least = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local tokens, client, registered, credentials = ARGV[5], ARGV[6], ARGV[7] == '1', ARGV[8]
local hash = string.sub(token, #tokens + 1)

-- `clients` has the registered clients, or those of the configuration file, whichever this one is of.
local current = (registered or credentials ~= '') and redis.call('HGET', clients, client)
if registered and not current then return false end

-- A worker may not know yet that all of the client's credentials are others: it issues none for the old.
if credentials ~= '' then
  local same = not current
  for one in string.gmatch(credentials, '%S+') do
    same = same or string.find(current, one, 1, true) ~= nil
  end
  if not same then return false end
end

local generation = redis.call('GET', generation_key)
if generation and string.sub(generation, 1, 1) == '!' then
  if registered then return false end
  -- Its namesake in the store was disabled; this client is one of the file.
  generation = false
end
if not generation then
  -- Nobody can tell beforehand what a token's hash will be, and no other token has it.
  generation = string.sub(hash, -9, -2)
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
-- In a cluster people are elsewhere: the caller asks for them.
if type(facts.uid) ~= 'string' or ARGV[2] == '' then return {record, left, generation} end
local person = read(ARGV[2] .. facts.uid)
if type(person) == 'table' then return person end
if not person or string.match(person, '^%S+') ~= facts.ugen then return false end
return {record, left, generation, person}
""",
)

NEXT_GENERATION = Script(
    "token.next_generation",
    """
local before = redis.call('GET', KEYS[1])
-- A disabled client stays so.
if before and string.sub(before, 1, 1) == '!' then return end
local set = redis.pcall('SET', KEYS[1], ARGV[1])
-- A server whose memory is full takes no value, but it removes one: without a generation all tokens are dead.
if type(set) == 'table' and set.err then redis.call('DEL', KEYS[1]) end
""",
)
