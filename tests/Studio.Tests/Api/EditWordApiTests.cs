using System.Net;
using System.Net.Http.Json;

namespace PromptToPrompt.Studio.Tests.Api;

/// <summary>The words of <c>POST /api/projects/{id}/edit</c>: those that its prompts do not contain are refused before the edit is queued.</summary>
[Trait("Category", "Slow")]
public sealed class EditWordApiTests(SharedStudio shared)
{
    private const string Source = "a white house in a field", Target = "a red house in a field";

    [Fact]
    public async Task AnEditWhoseWordsDoNotFitItsPromptsIsRefused()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", new { prompt = Source, steps = 2 });
        var noised = await studio.Make(project, "invert", new { picture = await studio.Send(TestStudio.Painted(64, 64)), prompt = Source, method = "edit-friendly", steps = 3 });
        var edit = await studio.Make(project, "edit", new { source, prompt = Target });
        var drawnWithEuler = await studio.Make(project, "generate", new { prompt = Source, steps = 2, scheduler = "euler" });
        var ofEuler = await studio.Make(project, "edit", new { source = drawnWithEuler, prompt = Target });
        foreach (var (field, problem, recipe) in new (string, string, object)[]
        {
            ("blend", "\"zebra\" is in none of the prompts", new { source, prompt = Target, blend = "zebra" }),
            ("blend", "\"zebra\"", new { source, prompt = Target, blend = "house,zebra" }),
            ("blend", "\"red\"", new { source, prompt = Target, blend = "red:red" }),
            ("blend", "3 lists of words for 2 prompts", new { source, prompt = Target, blend = "house:house:house" }),
            ("blend", "\"white\"", new { source = edit, prompt = "a blue house in a field", blend = "white" }),
            ("wordSteps", "\"zebra\"", new { source, prompt = Target, wordSteps = new Dictionary<string, string> { ["zebra"] = "0.5" } }),
            ("kind", "same number of words", new { source, prompt = "a house", kind = "replace" }),
            ("subject", "\"zebra\"", new { source, prompt = Target, method = "masactrl", subject = "zebra" }),
            ("subject", "\"red\"", new { source, prompt = Target, method = "masactrl", subject = "red:house" }),
            ("concepts", "no word that the model reads", new { source = noised, prompt = Target, method = "ledits++", concepts = new[] { new string('ж', 150) } }),
            ("source", "euler", new { source = ofEuler, prompt = "a blue house in a field" }),
        })
        {
            var answer = await studio.Http.PostAsync($"/api/projects/{project}/edit", JsonContent.Create(recipe));
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{answer.StatusCode}: {recipe}");
            var errors = (await TestStudio.Json(answer))["errors"]!.AsObject();
            Assert.Equal([field], errors.Select(error => error.Key));
            Assert.Contains(problem, (string?)errors[field]![0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AGridWhoseWordsDoNotFitItsPromptsIsRefused()
    {
        var studio = shared.Studio;
        var project = await studio.NewProject();
        var source = await studio.Make(project, "generate", new { prompt = Source, steps = 2 });
        var version = await studio.Make(project, "edit", new { source, prompt = Target });
        var answer = await studio.Http.PostAsJsonAsync($"/api/projects/{project}/grids", new { version, columns = "weight:zebra=0,1" });
        await TestStudio.RequireProblem(HttpStatusCode.BadRequest, "\"zebra\"", answer);
    }
}
