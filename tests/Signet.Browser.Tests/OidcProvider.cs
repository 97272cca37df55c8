using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;

namespace Signet.Browser;

/// <summary>The npm package oidc-provider as a process of its own (tests/peers/oidc/provider.mjs).</summary>
public sealed class OidcProvider : IAsyncDisposable
{
    private readonly Process process;
    private readonly string people = Path.GetTempFileName();

    private OidcProvider(Process process, string issuer) => (this.process, Issuer) = (process, issuer);

    public string Issuer { get; }

    public static async Task<OidcProvider> StartAsync()
    {
        var folder = Path.GetFullPath(Path.Combine(typeof(OidcProvider).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!, "tests", "peers", "oidc"));
        Directory.Exists(Path.Combine(folder, "node_modules")).ShouldBeTrue($"run `npm ci` in {folder}, or ./test.sh");
        var node = Process.Start(new ProcessStartInfo("node", "provider.mjs") { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        node.ErrorDataReceived += (_, _) => { };
        node.BeginErrorReadLine();
        return new(node, (string)JsonNode.Parse((await node.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)))!)!["issuer"]!);
    }

    /// <summary>Registers the console, and opens.</summary>
    public async Task OpenAsync(Uri console, string? secret, string algorithm, bool userInfoOnly)
    {
        await process.StandardInput.WriteLineAsync(new JsonObject
        {
            ["clientId"] = "signet", ["secret"] = secret, ["redirects"] = new JsonArray(new Uri(console, "/login/provider/callback").ToString()), ["signedOut"] = new JsonArray(new Uri(console, "/login").ToString()),
            ["algorithm"] = algorithm, ["userInfoOnly"] = userInfoOnly, ["people"] = people,
        }.ToJsonString());
        await process.StandardInput.FlushAsync();
        await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>What it says about its people from now on.</summary>
    public void Knows(params (string Login, string Name, string[] Groups)[] everybody) => File.WriteAllText(people, new JsonObject([.. everybody.Select(one => KeyValuePair.Create(one.Login, (JsonNode?)new JsonObject
    {
        ["preferred_username"] = one.Name, ["email"] = $"{one.Login}@example.org", ["groups"] = new JsonArray([.. one.Groups.Select(group => JsonValue.Create(group))]),
    }))]).ToJsonString());

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close(); // it ends by itself then
        if (!process.WaitForExit(5000)) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        File.Delete(people);
    }
}
