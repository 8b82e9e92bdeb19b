-- Asks Gatepost whether a request may pass. For HAProxy 2.6 and later, by its own HTTP client.

-- What Gatepost judges by. Add the headers of your routes' `where` and of limits by header.
local SHOWN = {
  "authorization", "dpop", "cookie", "origin", "user-agent",
  "access-control-request-method", "access-control-request-headers",
  "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
}
-- What the backend is told.
local GRANTED = { "x-client-id", "x-authenticated-scope", "x-authenticated-userid", "x-request-id" }
-- What belongs to the connection to Gatepost alone.
local FRAMING = { ["content-length"] = true, ["transfer-encoding"] = true, ["connection"] = true, ["date"] = true }

local function values(headers, name)
  local found = {}
  -- Values are counted from 0.
  for index, value in pairs(headers[name] or {}) do
    found[index + 1] = value
  end
  return found
end

local function refuse(txn, status, headers, body)
  local reply = txn:reply({ status = status, body = body })
  for name, all in pairs(headers) do
    if not FRAMING[name] then
      for _, value in pairs(all) do
        reply:add_header(name, value)
      end
    end
  end
  txn:done(reply)
end

local function ask(txn, url)
  local own, shown = txn.http:req_get_headers(), {}
  for _, name in ipairs(SHOWN) do
    local found = values(own, name)
    if #found > 0 then
      shown[name] = found
    end
  end
  local host = txn.sf:req_hdr("host")
  shown["host"] = { host }
  shown["x-original-method"] = { txn.sf:method() }
  -- Path and query as they came. HTTP/1.1 clients may send a whole URL: its host is the request's.
  shown["x-original-url"] = { "http://" .. host .. txn.sf:pathq() }
  shown["x-forwarded-proto"] = { "http" }
  shown["x-forwarded-for"] = { txn.sf:src() }
  return core.httpclient():get({ url = url, headers = shown, timeout = 5000 })
end

core.register_action("gatepost", { "http-req" }, function(txn, url)
  local answer = ask(txn, url)
  -- Nothing but 200 is leave to pass.
  if answer == nil or answer.status == nil or answer.status == 0 then
    refuse(txn, 503, {}, "")
  elseif answer.status ~= 200 then
    refuse(txn, answer.status, answer.headers or {}, answer.body or "")
  else
    for _, name in ipairs(GRANTED) do
      txn.http:req_del_header(name)
      for _, value in ipairs(values(answer.headers, name)) do
        txn.http:req_add_header(name, value)
      end
    end
  end
end, 1)
