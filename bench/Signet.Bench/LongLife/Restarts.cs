using System.Diagnostics;
using System.Globalization;

namespace Signet.Bench;

/// <summary>What a storm leaves behind in memory: a whole house and its fleet in one process, the center started again (or all sessions cut) several times, and whose the resident memory is after each.</summary>
internal static class Restarts
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    public static async Task<int> RunAsync(Arguments args)
    {
        var (devices, rounds) = (args.Number("devices", 200), args.Number("rounds", 6));
        var directory = System.IO.Directory.CreateTempSubdirectory("signet-restarts-").FullName;
        try
        {
            await using var house = await SoakHouse.MakeAsync(directory, devices, TimeSpan.FromHours(24), DevicePace.Of(args, 60, 300, 300), null);
            await OnlineAsync(house);
            for (var round = 0; ; round++)
            {
                // Ten minutes of life after each storm.
                for (var second = 0; second < 600; second += 3)
                {
                    house.Clock.Advance(TimeSpan.FromSeconds(3));
                    do await Task.Delay(1); while (ThreadPool.PendingWorkItemCount > 0 || house.Clock.Running > 0);
                    await Task.Delay(5);
                }
                await OnlineAsync(house);
                var sample = SoakSample.Take(house, 0, []);
                var trimmed = "";
                var account = MemoryAccount.Take();
                if (args.Has("trim"))
                {
                    MemoryAccount.Trim();
                    trimmed = "; trimmed: " + MemoryAccount.Take();
                }
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: heap {sample.Heap / 1e6:0.0} MB, {account}{trimmed}"));
                if (round == rounds) return 0;
                if (args.Has("kick")) foreach (var name in house.Names) await house.Center.Broker.KickAsync(name, null, SoakHouse.Operator with { Role = Access.Role.Admin });
                else if (args.Has("close")) await DoneAsync(house, AwayAsync());
                else await DoneAsync(house, AgainAsync());
                await OnlineAsync(house);
            }

            async Task AgainAsync()
            {
                await house.CloseAsync();
                await house.OpenAsync();
            }

            // The devices too: only the center is started again, nobody comes back in a crowd.
            async Task AwayAsync()
            {
                foreach (var name in house.Names) await house.Devices.SwitchOffAsync(name);
                await AgainAsync();
                foreach (var name in house.Names) house.SwitchOn(name);
            }
        }
        finally
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task OnlineAsync(SoakHouse house)
    {
        var began = Stopwatch.GetTimestamp();
        while (!house.Center.Fleet.List().All(d => d.CanReceive))
        {
            if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromMinutes(2)) throw new TimeoutException("not all devices are online");
            house.Clock.Advance(Step * 2);
            await Task.Delay(Step);
        }
    }

    private static async Task DoneAsync(SoakHouse house, Task task)
    {
        while (!task.IsCompleted)
        {
            house.Clock.Advance(Step);
            await Task.Delay(Step);
        }
        await task;
    }
}
