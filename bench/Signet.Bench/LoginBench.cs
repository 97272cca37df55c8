using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Control;
using Signet.Web;

namespace Signet.Bench;

/// <summary>
/// So many clients that log in over <c>POST /auth/user</c> in the same moment, each with its own account and one-time code, twice: the first time every password costs a bcrypt, the second time it is remembered.
/// Aim: all are answered yes within 4 s (go-auth waits 5). Server and clients in one process on all cores, as a center has them.
/// </summary>
internal static class LoginBench
{
    private const string Password = "correct horse battery";

    public static async Task<int> RunAsync(Arguments arguments)
    {
        var (logins, cost) = (arguments.Number("logins", 100), arguments.Number("cost", 10));
        var data = Directory.CreateTempSubdirectory("signet-logins-").FullName;
        using var random = RandomNumberGenerator.Create();
        try
        {
            var directory = Path.Combine(data, "house");
            await Installation.CreateAsync(directory, new(), TimeProvider.System, random);
            await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0, MqttPasswordPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
            await center.StartAsync();
            await using var console = await WebConsole.StartAsync(center, new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0, OpenAuth = true }, NullLoggerFactory.Instance);
            var hash = Marshal.PtrToStringAnsi(crypt(Password, $"$2b${cost.ToString("00", CultureInfo.InvariantCulture)}$abcdefghijklmnopqrstuu")) ?? throw new InvalidOperationException("libcrypt has no bcrypt");
            var secrets = Enumerable.Range(0, logins).Select(_ => RandomNumberGenerator.GetBytes(20)).ToArray();
            var made = await center.TotpAccounts.ImportAsync([.. secrets.Select((s, i) => new NewTotpAccount($"client-{i}", null, hash, Base32.Encode(s)))], Actor.Terminal);
            if (made.Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
            await console.AuthUrl!.WarmAsync();
            // A code of the step before, then one of the next: both are taken now, and each is used once.
            var good = await RoundAsync("passwords not remembered", console.AuthUrl!, secrets, -1);
            await RoundAsync("passwords remembered", console.AuthUrl!, secrets, +1);
            return good ? 0 : 1;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task WarmAsync(this Uri url)
    {
        using var client = new HttpClient();
        using var answer = await client.PostAsync(new Uri(url + "auth/user"), Json("{\"username\":\"nobody|1\",\"password\":\"x\"}"));
    }

    private static async Task<bool> RoundAsync(string what, Uri url, byte[][] secrets, int steps)
    {
        var (cpu, began) = (Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        var answers = await Task.WhenAll(secrets.Select((secret, i) => Task.Run(async () =>
        {
            var code = OneTimeCode.At(secret, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow()) + steps);
            using var client = new HttpClient();
            using var answer = await client.PostAsync(new Uri(url + "auth/user"), Json($$"""{"username":"client-{{i}}|{{code}}","password":"{{Password}}","clientid":"c{{i}}"}"""));
            var body = await answer.Content.ReadAsStringAsync();
            var word = (int)answer.StatusCode == 503 ? "busy" : body.Contains("\"Ok\":true", StringComparison.Ordinal) ? "yes" : body;
            return (Word: word, Took: Stopwatch.GetElapsedTime(began).TotalSeconds);
        })));
        var times = answers.Select(a => a.Took).Order().ToList();
        Console.WriteLine($"{what}: {string.Join(", ", answers.GroupBy(a => a.Word).Select(g => $"{g.Count()} {g.Key}"))}; half within {times[times.Count / 2]:0.00} s, all within {times[^1]:0.00} s (aim 4); {(Environment.CpuUsage.TotalTime - cpu).TotalSeconds:0.0} s of CPU on {Environment.ProcessorCount} cores");
        return answers.All(a => a.Word == "yes") && times[^1] <= 4;
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));

    [DllImport("libcrypt.so.1", ExactSpelling = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint crypt([MarshalAs(UnmanagedType.LPStr)] string key, [MarshalAs(UnmanagedType.LPStr)] string setting);
}
