using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

/// <summary>What the reference implementation's schedulers computed: <c>Fixtures/scheduler/NAME.json</c> lists the cases, the safetensors file holds them.</summary>
internal sealed class SchedulerGoldens : IDisposable
{
    private readonly SafetensorsFile file;
    private readonly JsonNode description;

    public SchedulerGoldens(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Fixtures", "scheduler", name);
        file = SafetensorsFile.Open(path + ".safetensors");
        description = JsonNode.Parse(File.ReadAllText(path + ".json"))!;
    }

    public Tensor this[string name] => file.Read(name);

    public bool Has(string name) => file.Tensors.ContainsKey(name);

    public IEnumerable<JsonObject> Cases(string kind) => description["cases"]!.AsArray()
        .Select(item => item!.AsObject())
        .Where(item => (string?)item["kind"] == kind);

    public JsonObject Base => description["base"]!.AsObject();

    public long[] Integers(string name)
    {
        using var tensor = this[name];
        using var integers = tensor.to(int64);
        return integers.data<long>().ToArray();
    }

    /// <summary>The scheduler config that a case's fields, over the base's, make; read as a file, as a model's would be.</summary>
    public static SchedulerConfig Config(params IEnumerable<JsonObject> parts)
    {
        var merged = new Dictionary<string, JsonNode?>();
        foreach ((var key, var value) in parts.SelectMany(part => part))
            merged[key] = value;
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, JsonSerializer.Serialize(merged));
            return SchedulerConfig.FromFile(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The run's states when the network is a simple function: the start, then after each step.</summary>
    public static Tensor Trajectory(Scheduler scheduler, Tensor start, Func<Tensor, Tensor> network)
    {
        List<Tensor> states = [start];
        for (var step = 0; step < scheduler.Timesteps.Count; step++)
            states.Add(scheduler.Step(network(scheduler.ScaleModelInput(states[^1], step)), step, states[^1]));
        return stack(states);
    }

    public void Dispose() => file.Dispose();
}
