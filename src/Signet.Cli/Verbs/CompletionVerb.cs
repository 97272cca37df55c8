using System.CommandLine;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet completion bash|zsh|fish</c>: prints what teaches a shell to complete. The words come from the program itself (<c>[suggest]</c> directive), so they are never stale.</summary>
internal static class CompletionVerb
{
    private const string Bash = """
        # signet completion for bash: source <(signet completion bash)
        _signet() {
            local line="${COMP_LINE:0:COMP_POINT}"
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _signet signet
        """;

    private const string Zsh = """
        # signet completion for zsh: source <(signet completion zsh)
        _signet() {
            local -a found
            found=("${(@f)$(${words[1]} "[suggest:${#LBUFFER}]" "$LBUFFER" 2>/dev/null)}")
            compadd -- $found || _files
        }
        compdef _signet signet
        """;

    private const string Fish = """
        # signet completion for fish: signet completion fish | source
        function __signet_complete
            set -l line (commandline -cp)
            signet "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c signet -a '(__signet_complete)'
        """;

    public static Command Build()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        return Verb.Make("completion", "Print what teaches your shell to complete signet's words", [shell], (parsed, printer, _) =>
        {
            printer.Output.WriteLine(parsed.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return Task.FromResult(ExitCode.Done);
        }).WithExamples("source <(signet completion bash)", "signet completion fish > ~/.config/fish/completions/signet.fish");
    }
}
