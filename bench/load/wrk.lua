-- Sends the planned requests in turn. Arguments: the file of requests, the first number, the file of values (or "-").
-- Requests are separated by \1, the pieces between their marks by \2; values by line breaks.

local requests, values = {}, nil
local n = 0

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  for text in read(args[1]):gmatch("[^\1]+") do
    local pieces = {}
    for piece in (text .. "\2"):gmatch("(.-)\2") do pieces[#pieces + 1] = piece end
    requests[#requests + 1] = pieces
  end
  n = tonumber(args[2]) - 1
  if args[3] ~= "-" then
    values = {}
    for value in read(args[3]):gmatch("[^\n]+") do values[#values + 1] = value end
  end
end

function request()
  n = n + 1
  local pieces = requests[n % #requests + 1]
  if #pieces == 1 then return pieces[1] end
  local mark = values and values[math.floor(n / #requests) % #values + 1] or string.format("%09d", n)
  return table.concat(pieces, mark)
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"p50":%.3f,"p99":%.3f,"max":%.3f,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, e.connect + e.read + e.write + e.status + e.timeout))
end
