using System.Text.Json;
using Orleans.Storage;

namespace PromptToPrompt.Cluster.Hosting;

/// <summary>Stores the state of grains as JSON.</summary>
internal sealed class JsonStateSerializer : IGrainStorageSerializer
{
    /// <inheritdoc/>
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input));

    /// <inheritdoc/>
    public T? Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span);
}
