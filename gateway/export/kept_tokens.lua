-- Remembers for a moment that the gateway has let a token in, and asks it about all other requests.
-- PLACES: paths of routes; true: requests below it that agree in what `key_of` puts together are judged alike.
local PLACES = @PLACES@
local SHOWN = @SHOWN@
local GRANTED = @GRANTED@
local LIFE, MOST, LONGEST = @LIFE@, 4096, 2048

local recent, older, turned, size = {}, {}, 0, 0

-- The longest route path that the path is at or below, where both readings of the path are plainly the same.
local function place_of(path)
  if #path > LONGEST or not path:find("^/[a-z0-9_~./%-]*[a-z0-9_~.%-]$") or path:find("//", 1, true)
    or path:find("/.", 1, true) then
    return nil
  end
  while true do
    local kept = PLACES[path]
    if kept ~= nil then return kept and path or nil end
    if path == "/" then return nil end
    path = path:match("^(.+)/[^/]*$") or "/"
  end
end

-- Everything that the gateway judges such a request by. nil: it must be asked.
local function key_of(headers)
  local token = headers:get("authorization")
  if not token or not token:find("^Bearer [%w._~+/-]+=*$") then return nil end
  for _, name in ipairs(SHOWN) do
    if headers:getNumValues(name) > 1 then return nil end
  end
  if headers:get("dpop") or headers:get("sec-websocket-version") or headers:get("upgrade") then return nil end
  local path, mark, query = headers:get(":path"):match("^([^?]*)(%??)(.*)$")
  if #query > LONGEST or not query:find("^[%w_.~=&,:+/-]*$") then return nil end
  local place = place_of(path)
  if not place then return nil end
  local key = table.concat({
    place, headers:get(":method"), headers:get(":authority") or "", token,
    headers:get("x-forwarded-for") or "", headers:get("x-forwarded-proto") or "",
    headers:get("x-forwarded-client-cert") or "", headers:get("origin") or "",
  }, "\n")
  return #key <= LONGEST and key or nil
end

-- A clock that was set back ends what was kept, too.
local function is_live(found, now)
  return found and now >= found.asked and now < found.asked + LIFE
end

local function keep(key, found, now)
  if now < turned or now >= turned + LIFE then
    older, recent, turned, size = recent, {}, now, 0
  end
  if size < MOST then
    recent[key], size = found, size + 1
  end
end

local function let_in(handle, found)
  local headers = handle:headers()
  for name, value in pairs(found.headers) do headers:replace(name, value) end
  local known = handle:streamInfo():dynamicMetadata()
  known:set("gatepost", "known", true)
  known:set("gatepost", "id", headers:get("x-request-id") or "")
  handle:clearRouteCache()
end

local function ask(handle, headers)
  local question = { [":method"] = headers:get(":method"), [":path"] = "/auth/verify" .. headers:get(":path"),
    [":authority"] = headers:get(":authority"), ["content-length"] = "0", ["@ROUTE_ID@"] = "?" }
  for _, name in ipairs(SHOWN) do question[name] = headers:get(name) end
  return handle:httpCall("@GATEWAY@", question, "",
    { timeout_ms = 5000, send_xff = false, return_duplicate_headers = true })
end

local function first(value)
  return type(value) == "table" and value[1] or value
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local key = key_of(headers)
  if not key then return end
  local now = handle:timestamp()
  local found = recent[key] or older[key]
  if is_live(found, now) then return let_in(handle, found) end
  local answer, body = ask(handle, headers)
  local status = tonumber(first(answer[":status"]))
  if status == 200 then
    found = { asked = now, headers = {} }
    for _, name in ipairs(GRANTED) do found.headers[name] = first(answer[name]) end
    let_in(handle, found)
    found.headers["x-request-id"] = nil
    keep(key, found, handle:timestamp())
  elseif status < 500 then
    handle:respond(answer, body)
  end
  -- Else ext_authz, which follows, asks again and refuses.
end

function envoy_on_response(handle)
  local known = handle:streamInfo():dynamicMetadata():get("gatepost")
  if known and known.id then handle:headers():replace("x-request-id", known.id) end
end
