using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>The paper's insecure actuator: whatever parses is done.</summary>
public sealed class OpenActuator(LabLog log)
{
    private readonly Lock _one = new();
    private readonly List<(byte[] Payload, TaskCompletionSource Done)> _awaited = [];

    /// <summary>Actions performed.</summary>
    public int Actions { get; private set; }

    public bool Receive(ReadOnlyMemory<byte> payload)
    {
        log.Info("Received message", new() { ["payload"] = Encoding.UTF8.GetString(payload.Span[..Math.Min(payload.Length, 512)]) });
        try
        {
            if (PythonJson.Parse(payload.Span) is not JsonObject data) throw new JsonException("not an object");
            Actions++;
            log.Info("Actuator performed action", data["event"] is null ? [] : new() { ["event"] = data["event"]!.DeepClone(), ["action"] = $"ACTUATOR ACTION: {data["event"]}" });
            lock (_one)
            {
                foreach (var waiting in _awaited.Where(a => a.Payload.AsSpan().SequenceEqual(payload.Span)).ToList())
                {
                    _awaited.Remove(waiting);
                    waiting.Done.TrySetResult();
                }
            }
            return true;
        }
        catch (JsonException e)
        {
            log.Error("Error parsing message: " + e.Message);
            return false;
        }
    }

    /// <summary>Done when it acts on exactly these bytes the next time.</summary>
    public Task WhenActsOn(byte[] payload)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_one) _awaited.Add((payload, done));
        return done.Task;
    }
}
