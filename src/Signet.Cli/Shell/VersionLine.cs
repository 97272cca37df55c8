using System.CommandLine;
using System.CommandLine.Invocation;
using Signet.Control;

namespace Signet.Cli.Shell;

/// <summary><c>signet --version</c>: the version alone, as it stands in Directory.Build.props and on the about page.</summary>
internal sealed class VersionLine : SynchronousCommandLineAction
{
    public static void AddTo(RootCommand root) => root.Options.OfType<VersionOption>().Single().Action = new VersionLine();

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(CommandCenter.Version);
        return 0;
    }
}
