using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Diffusion.Pipelines;

namespace PromptToPrompt.Cli.Clusters;

/// <summary>The model that a worker has loaded. It stays for the next run that needs the same one.</summary>
internal sealed class WorkerModel : IDisposable
{
    private StableDiffusionModel? loaded;
    private string key = "";

    /// <summary>The model of a run.</summary>
    public StableDiffusionModel Get(BatchInput input, ParseResult parse, MemoryDemand demand)
    {
        var wanted = string.Join('\n', [.. input.ModelArguments(parse), Directory.GetCurrentDirectory(), demand.ToString()]);
        if (loaded is not null && key == wanted)
            return loaded;
        Dispose();
        loaded = input.Model.Load(parse, demand);
        key = wanted;
        return loaded;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        loaded?.Dispose();
        loaded = null;
    }
}
