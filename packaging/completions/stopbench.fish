# stopbench - completion for fish. The program itself says what may follow
# (stopbench --complete WORD...); what it leaves to the shell begins with a colon, and
# files are offered anyway.

function __stopbench_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] --complete $words[2..-1] 2>/dev/null | while read -l line
        switch $line
            case ':CONTAINER'
                docker ps --format '{{.Names}}' 2>/dev/null
            case ':*'
            case '*'
                echo $line
        end
    end
end

for program in stopbench mock-agent mock-mcp
    complete -c $program -a '(__stopbench_complete)'
end
