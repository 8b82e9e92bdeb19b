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

_FIND_GENERATION = """
local token, generation_key, clients = KEYS[1], KEYS[2], KEYS[3]
local record, lifetime = ARGV[1], ARGV[2]
local client, registered, credentials = ARGV[3], ARGV[4] == '1', ARGV[5]

-- `clients` has the registered clients, or those of the configuration file, whichever this one is of.
local current = (registered or credentials ~= '') and redis.call('HGET', clients, client)
if registered and not current then return false end

-- A worker may not know yet that all of the client's credentials are others: it issues none for the old.
if credentials ~= '' and current ~= credentials then
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
  -- The end of the token's hash: nobody can tell it beforehand, and no other token has it.
  generation = string.sub(token, -9, -2)
  redis.call('SET', generation_key, generation)
end
"""

_FIND_LIVE = """
local slot, sealed, least, tokens = KEYS[4], ARGV[6], tonumber(ARGV[7]), ARGV[8]
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
redis.call('SET', slot, string.sub(token, #tokens + 1) .. ' ' .. sealed, 'PX', lifetime)
"""

_STORE = """
redis.call('SET', token, generation .. ' ' .. record, 'PX', lifetime)
return {lifetime}
"""

ISSUE = Script("token.issue", _FIND_GENERATION + _STORE)
"""A token of its own."""
ISSUE_REUSABLE = Script("token.issue", _FIND_GENERATION + _FIND_LIVE + _STORE)
"""The live token of a slot, or a new one that is given out again from then on."""


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
