using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>Tells the live feed, and whoever waits, that a command changed.</summary>
internal sealed class CommandNews(LiveFeed feed)
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<CommandView?>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Raised for every change, before the feed has it; do not block.</summary>
    public event Action<CommandView>? Announced;

    public void Announce(CommandView view)
    {
        Announced?.Invoke(view);
        feed.Publish(FeedKind.Command, view.State, view.Device, new()
        {
            ["id"] = view.Id, ["device"] = view.Device, ["command"] = view.Command, ["state"] = view.State, ["reason"] = view.Reason,
            ["result"] = (JsonObject?)view.Result?.DeepClone(), ["by"] = view.By,
        });
        if (view.IsSettled && _waiting.TryRemove(view.Id, out var waiting)) waiting.SetResult(view);
    }

    /// <summary>Completes when the command is settled, with what it is then; null: it was before. Ask for it before looking at the command's state, so that nothing falls between.</summary>
    public Task<CommandView?> Settled(string id) => _waiting.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>For a command that turned out to be settled already, or not to exist.</summary>
    public void Forget(string id)
    {
        if (_waiting.TryRemove(id, out var waiting)) waiting.TrySetResult(null);
    }
}
