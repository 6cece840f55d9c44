-- SPDX-License-Identifier: MIT
-- demo.lua - for wrk: asks, and checks each answer.
--
-- wrk ... -s demo.lua URL -- QUESTIONS ENOUGH
--
-- QUESTIONS: a file of lines "PATH ANSWER".  As soon as the file ENOUGH
-- exists, only /health is asked, which is not counted; so every question that
-- was counted has had the time to be answered when wrk is told to end.
--
-- Each question bears a number that the service sends back with its answer.

local threads = {}

function setup(thread)
	thread:set("number", #threads)
	threads[#threads + 1] = thread
end

local questions, pending = {}, {}
local next_question, enough, checked_at = 1, nil, 0
local health = "GET /health HTTP/1.1\r\nHost: filed\r\n\r\n"
-- wrk makes one request that it never sends, to look at it.
local draining, looked_at = false, false

-- Read by done() out of each thread.
asked, answered, right, wrong, complaint = 0, 0, 0, 0, ""

function init(args)
	for line in io.lines(args[1]) do
		local path, answer = line:match("^(%S+) (%S+)$")
		questions[#questions + 1] = { path = path, answer = answer,
			head = "GET " .. path .. " HTTP/1.1\r\n" ..
				"Host: filed\r\nX-Request-Id: " }
	end
	enough = args[2]
	-- Threads begin at different places.
	next_question = (number * 7) % #questions + 1
end

local function is_enough()
	local now = os.time()
	if not draining and now ~= checked_at then
		checked_at = now
		local file = io.open(enough)
		draining = file ~= nil
		if file then file:close() end
	end
	return draining
end

function request()
	if not looked_at or is_enough() then
		looked_at = true
		return health
	end
	local question = questions[next_question]
	next_question = next_question % #questions + 1
	asked = asked + 1
	pending[asked] = question
	return question.head .. asked .. "\r\n\r\n"
end

function response(status, headers, body)
	local id = tonumber(headers["X-Request-Id"])
	if id == nil and status == 200 and body == "ok\n" then
		return
	end
	local question = id and pending[id]
	if question then
		pending[id] = nil
		answered = answered + 1
	end
	if question and status == 200 and body == question.answer .. "\n" then
		right = right + 1
	else
		wrong = wrong + 1
		complaint = string.format("%s: status %d, %q instead of %s",
			question and question.path or "an answer to nothing",
			status, body:sub(1, 40),
			question and question.answer or "none")
	end
end

function done(summary)
	local sum = { asked = 0, answered = 0, right = 0, wrong = 0 }
	for _, thread in ipairs(threads) do
		for name in pairs(sum) do
			sum[name] = sum[name] + thread:get(name)
		end
		if thread:get("complaint") ~= "" then
			print("complaint " .. thread:get("complaint"))
		end
	end
	local e = summary.errors
	print(string.format("asked %d\nanswered %d\nright %d\nwrong %d\n" ..
		"lost %d\nsocket_errors %d", sum.asked, sum.answered,
		sum.right, sum.wrong, sum.asked - sum.answered,
		e.connect + e.read + e.write + e.timeout))
end
