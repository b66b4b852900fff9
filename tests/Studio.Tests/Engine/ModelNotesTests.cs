using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class ModelNotesTests
{
    /// <summary>What is not understood in a model is logged when the model is loaded.</summary>
    [Fact]
    public async Task NotesOfAModelAreLogged()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(EmbeddedModel.Folder(), "model");
        var path = Path.Combine(model, "unet", "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config["a_new_key"] = 3;
        File.WriteAllText(path, config.ToJsonString());
        var log = new Lines();
        using var store = new StudioStore(folder["data"], new TestClock());
        await using var engine = new StudioEngine(store, [new OfferedModel("mine", () => StableDiffusionModel.Load(model))], new EngineLimits(), TimeProvider.System, log);
        var over = await engine.Submit(store.CreateProject("A test").Id, null, TestEngine.House with { Steps = 1 }).WhenOver();
        Assert.True(over.State == JobState.Done, over.Problem);
        Assert.Contains("a_new_key", Assert.Single(log.Said));
        Assert.StartsWith("mine: ", log.Said[0]);
    }

    private sealed class Lines : ILogger<StudioEngine>
    {
        public List<string> Said { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Said.Add(formatter(state, exception));
    }
}
