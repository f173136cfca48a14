-- request - the request of bench/peers/run, for wrk: its arguments are "plain" or
-- "stream", and the user's text. At the end it prints "requests N, failed N, us N".

function init(arguments)
	wrk.method = "POST"
	wrk.headers["content-type"] = "application/json"
	wrk.headers["anthropic-version"] = "2023-06-01"
	wrk.headers["x-api-key"] = "test"
	wrk.body = string.format('{"model":"claude-sonnet-4-5","max_tokens":4096,' ..
		'"stream":%s,"messages":[{"role":"user","content":"%s"}]}',
		arguments[1] == "stream" and "true" or "false", arguments[2])
end

function done(summary)
	local failed = summary.errors

	print(string.format("requests %d, failed %d, us %d", summary.requests,
		failed.connect + failed.read + failed.write + failed.status + failed.timeout,
		summary.duration))
end
