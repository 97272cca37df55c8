using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Control;
using Signet.Web;

namespace Signet.Bench;

/// <summary>The endpoint that other brokers ask for every message, beside one that reads the body and answers the same bytes without looking at anything; <c>--what serve</c> on one core, <c>--what load</c> on another, round by round.</summary>
internal static class AuthBench
{
    private const int Connections = 16;
    private const string Yes = "{\"Ok\":true,\"Error\":\"\"}";

    public static Task<int> RunAsync(Arguments arguments) => arguments.Text("what") == "serve" ? ServeAsync(arguments.Number("devices", 1_000)) : LoadAsync(arguments);

    private static async Task<int> ServeAsync(int devices)
    {
        var data = Directory.CreateTempSubdirectory("signet-auth-").FullName;
        using var random = RandomNumberGenerator.Create();
        try
        {
            var directory = Path.Combine(data, "house");
            await Installation.CreateAsync(directory, new(), TimeProvider.System, random);
            await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
            await center.StartAsync();
            for (var i = 0; i < devices; i++)
                if ((await center.Fleet.AddAsync(new($"dev-{i}", "valve", null, ""), Actor.Terminal)).Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
            await using var console = await WebConsole.StartAsync(center, new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0, OpenAuth = true }, NullLoggerFactory.Instance);
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            await using var nothing = builder.Build();
            nothing.Run(NothingAsync);
            await nothing.StartAsync();
            Console.WriteLine($"{console.AuthUrl!.Port} {new Uri(nothing.Urls.First()).Port}");
            // Until the load has ended and closes our input.
            await Console.In.ReadToEndAsync();
            return 0;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task NothingAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync();
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }

        context.Response.ContentType = "application/json";
        context.Response.ContentLength = Yes.Length;
        context.Response.BodyWriter.Write(Encoding.ASCII.GetBytes(Yes));
        await context.Response.BodyWriter.FlushAsync();
    }

    private static async Task<int> LoadAsync(Arguments arguments)
    {
        var start = new ProcessStartInfo("taskset", ["-c", "0", Environment.ProcessPath!, typeof(AuthBench).Assembly.Location, "auth", "--what", "serve", "--devices", arguments.Number("devices", 1_000).ToString(CultureInfo.InvariantCulture)]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        using var server = Process.Start(start)!;
        var ports = (await server.StandardOutput.ReadLineAsync())!.Split(' ').Select(port => int.Parse(port, CultureInfo.InvariantCulture)).ToArray();
        var (rounds, seconds) = (arguments.Number("rounds", 5), arguments.Number("seconds", 5));
        foreach (var port in ports) Round("/auth/acl", port, 2); // warm
        var ratios = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var acl = Round("/auth/acl", ports[0], seconds);
            var nothing = Round("/auth/acl", ports[1], seconds);
            ratios.Add(acl.Rate / nothing.Rate);
            Console.WriteLine($"/auth/acl {acl.Rate:N0}/s p50 {acl.Half:0.00} ms p99 {acl.Late:0.00} ms; nothing {nothing.Rate:N0}/s p50 {nothing.Half:0.00} ms p99 {nothing.Late:0.00} ms; ratio {acl.Rate / nothing.Rate:0.00}");
        }

        Console.WriteLine($"ratio, median of {rounds}: {ratios.Order().ElementAt(rounds / 2):0.00} (aim 0.7)");
        server.StandardInput.Close();
        await server.WaitForExitAsync();
        return 0;
    }

    private static (double Rate, double Half, double Late) Round(string path, int port, int seconds)
    {
        var times = new List<double>[Connections];
        var began = Stopwatch.GetTimestamp();
        var threads = Enumerable.Range(0, Connections).Select(i =>
        {
            var thread = new Thread(() => times[i] = Ask(path, port, i, seconds));
            thread.Start();
            return thread;
        }).ToList();
        foreach (var thread in threads) thread.Join();
        var took = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var all = times.SelectMany(t => t).Order().ToList();
        return (all.Count / took, all[all.Count / 2], all[all.Count * 99 / 100]);
    }

    private static List<double> Ask(string path, int port, int number, int seconds)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        var body = $$"""{"username":"dev-{{number}}","topic":"signet/dev-{{number}}/telemetry/flow","clientid":"dev-{{number}}","acc":2}""";
        var request = Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        var (buffer, times, began) = (new byte[4096], new List<double>(100_000), Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < seconds)
        {
            var asked = Stopwatch.GetTimestamp();
            socket.Send(request);
            var got = 0;
            do got += socket.Receive(buffer.AsSpan(got));
            while (buffer[got - 1] != (byte)'}');
            if (buffer.AsSpan(0, got).IndexOf("\"Ok\":true"u8) < 0) throw new InvalidOperationException(Encoding.ASCII.GetString(buffer, 0, got));
            times.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
        }

        return times;
    }
}
