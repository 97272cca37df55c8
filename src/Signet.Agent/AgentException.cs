namespace Signet.Agent;

/// <summary>The device's own files, key or settings cannot be used, or its journal is damaged. <see cref="Exception.Message"/> is one clear line with what to do. Hostile messages never end here.</summary>
public sealed class AgentException : Exception
{
    public AgentException(string message) : base(message) { }

    public AgentException(string message, Exception inner) : base(message, inner) { }
}
