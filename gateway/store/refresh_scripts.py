"""What the server does with families of refresh tokens in one step; see `gateway.store.refresh_tokens`."""

from gateway.store.script import Script

BEGIN = Script(
    "refresh.begin",
    """
local generation = redis.call('GET', KEYS[2])
if not generation or string.sub(generation, 1, 1) == '!' then return 0 end
-- The access token's own: where the client's tokens have ended since it was issued, so has the family.
local access_token = redis.call('GET', KEYS[3])
if not access_token or string.sub(access_token, 1, #generation + 1) ~= generation .. ' ' then return 0 end
local current, record, lifetime, access = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('HSET', KEYS[1], 'generation', generation, 'current', current, 'record', record, 'access', access)
redis.call('PEXPIRE', KEYS[1], lifetime)
return 1
""",
)

FIND = Script(
    "refresh.find",
    """
local kept = redis.call('HMGET', KEYS[1], 'generation', 'current', 'record')
if not (kept[1] and kept[2] and kept[3]) then return false end
local sound, facts = pcall(cjson.decode, kept[3])
if not sound or type(facts) ~= 'table' or type(facts.client) ~= 'string' then return false end
if redis.call('GET', ARGV[1] .. facts.client) ~= kept[1] then return false end
-- In a cluster people are elsewhere: the caller asks for them.
if type(facts.uid) == 'string' and ARGV[2] ~= '' then
  local person = redis.call('GET', ARGV[2] .. facts.uid)
  if not person or string.match(person, '^%S+') ~= facts.ugen then return false end
end
return {kept[2], kept[3]}
""",
)

_END = """
local function over(family, tokens)
  local names = {}
  for name in string.gmatch(redis.call('HGET', family, 'access') or '', '%S+') do
    names[#names + 1] = name
    redis.call('DEL', tokens .. name)
  end
  redis.call('DEL', family)
  return names
end
"""

ROTATE = Script(
    "refresh.rotate",
    _END
    + """
local before, hash, record, lifetime, name, tokens = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local most = tonumber(ARGV[7])
local current = redis.call('HGET', KEYS[1], 'current')
if current ~= before then
  redis.call('DEL', tokens .. name)
  over(KEYS[1], tokens)
  return 0
end
local live = {name}
local kept = {}
for one in string.gmatch(redis.call('HGET', KEYS[1], 'access') or '', '%S+') do kept[#kept + 1] = one end
for i = #kept, 1, -1 do
  if #live >= most then
    redis.call('DEL', tokens .. kept[i])
  elseif redis.call('EXISTS', tokens .. kept[i]) == 1 then
    live[#live + 1] = kept[i]
  end
end
local oldest_first = {}
for i = #live, 1, -1 do oldest_first[#oldest_first + 1] = live[i] end
redis.call('HSET', KEYS[1], 'current', hash, 'record', record, 'access', table.concat(oldest_first, ' '))
redis.call('PEXPIRE', KEYS[1], lifetime)
return 1
""",
)

END = Script("refresh.end", _END + "return over(KEYS[1], ARGV[1])")
