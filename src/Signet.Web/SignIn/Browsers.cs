namespace Signet.Web.SignIn;

/// <summary>A browser's name for its owner to recognise it by. What it says about itself proves nothing and is only shown.</summary>
internal static class Browsers
{
    // The order matters: Edge and Opera say Chrome too, and Chrome says Safari.
    private static readonly (string Sign, string Name)[] Programs = [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")];
    private static readonly (string Sign, string Name)[] Systems = [("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")];

    public static string Name(string userAgent)
    {
        var (program, system) = (First(Programs, userAgent), First(Systems, userAgent));
        return program is null ? "unknown" : system is null ? program : $"{program}, {system}";
    }

    private static string? First((string Sign, string Name)[] known, string userAgent) => known.FirstOrDefault(one => userAgent.Contains(one.Sign, StringComparison.Ordinal)).Name;
}
