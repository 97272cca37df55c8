using System.Diagnostics;
using Signet.Cli.Shell;
using Signet.Control;

namespace Signet.Cli.Up;

/// <summary>
/// The simulated devices of <c>up --demo</c>, each in a process of its own that is told nothing but its own folder. A child ends when its standard
/// input closes, so it cannot outlive its parent, however the parent ended.
/// </summary>
internal sealed class DemoDevices : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5); // then the child is ended by force; `up` must stop within 10 s
    private static readonly TimeSpan OnlineBy = TimeSpan.FromSeconds(20); // promised for the ready line
    private readonly List<Process> _children = [];

    /// <summary>Starts one child for each folder. The child's messages come out on this program's stderr.</summary>
    public void Start(IEnumerable<string> deviceDirectories)
    {
        foreach (var directory in deviceDirectories)
        {
            var child = SameProgram.Start("device", "run", "--home", directory, "--until-stdin-closes");
            // Unread output would fill the pipe and stop the child.
            child.OutputDataReceived += (_, _) => { };
            child.BeginOutputReadLine();
            _children.Add(child);
        }
    }

    /// <summary>Waits until every device of the fleet that has a home here is online, or the promised time has passed.</summary>
    public static async Task OnlineAsync(Fleet fleet, CancellationToken cancellation)
    {
        var changed = new SemaphoreSlim(0);
        void OnChanged(DeviceRecord device) => changed.Release();
        fleet.Changed += OnChanged;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(OnlineBy);
        try
        {
            while (fleet.List().Any(device => device.Enabled && device.Presence.State != PresenceState.Online))
                await changed.WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Ready all the same: the page shows which device is missing.
        }
        finally
        {
            fleet.Changed -= OnChanged;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var child in _children)
            child.StandardInput.Close();
        foreach (var child in _children)
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                await child.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                child.Kill();
            }

            child.Dispose();
        }

        _children.Clear();
    }
}
