using System.Net;
using System.Text;

namespace PromptToPrompt.Studio.Tests.Api;

[Trait("Category", "Slow")]
public sealed class JsonBodyTests(SharedStudio shared)
{
    [Theory]
    [InlineData("/api/projects", "")]
    [InlineData("/api/projects", "null")]
    [InlineData("/api/projects", "[]")]
    [InlineData("/api/projects", "\"mine\"")]
    [InlineData("/api/projects/PROJECT/generate", "")]
    [InlineData("/api/projects/PROJECT/generate", "null")]
    [InlineData("/api/projects/PROJECT/edit", "null")]
    [InlineData("/api/projects/PROJECT/invert", " ")]
    [InlineData("/api/projects/PROJECT/inpaint", "7")]
    public async Task ABodyThatIsNoObjectIsRefused(string address, string body)
    {
        var problem = await Refused(shared.Studio, address, body);
        Assert.StartsWith("The request has no JSON object.", problem.Title, StringComparison.Ordinal);
        Assert.Null(problem.Errors);
    }

    [Fact]
    public async Task AnUploadWithoutAFileIsRefused()
    {
        var problem = await Refused(shared.Studio, "/api/pictures", "", "image/png");
        Assert.Contains("empty", problem.Title, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "The JSON is invalid")]
    [InlineData("{\"prompt\":\"a house\"} x", "The JSON is invalid")]
    [InlineData("{\"prompt\":\"a house\",}", "The JSON is invalid")]
    public async Task InvalidJsonIsRefusedWithItsPlace(string body, string sentence)
    {
        var problem = await Refused(shared.Studio, "/api/projects/PROJECT/generate", body);
        Assert.StartsWith(sentence, problem.Title, StringComparison.Ordinal);
        Assert.Contains("line 1", problem.Title, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("generate", "{\"prompt\":\"a house\",\"stps\":3}", "stps", "There is no such field.")]
    [InlineData("generate", "{\"seed\":3}", "prompt", "It is missing.")]
    [InlineData("edit", "{\"prompt\":\"a house\"}", "source", "It is missing.")]
    [InlineData("generate", "{\"prompt\":null}", "prompt", "null is not text.")]
    [InlineData("generate", "{\"prompt\":[1]}", "prompt", "[1] is not text.")]
    [InlineData("generate", "{\"prompt\":\"a house\",\"steps\":\"three\"}", "steps", "\"three\" is not a whole number.")]
    [InlineData("generate", "{\"prompt\":\"a house\",\"steps\":1.5}", "steps", "1.5 is not a whole number.")]
    [InlineData("generate", "{\"prompt\":\"a house\",\"steps\":5000000000}", "steps", "5000000000 is out of range.")]
    [InlineData("generate", "{\"prompt\":\"a house\",\"seed\":1e40}", "seed", "1e40 is not a whole number from -9223372036854775808 to 18446744073709551615.")]
    [InlineData("generate", "{\"prompt\":\"a house\",\"guidance\":{}}", "guidance", "{} is not a number.")]
    [InlineData("generate", "{\"prompt\":\"a house\",\"longPrompts\":1}", "longPrompts", "1 is not true or false.")]
    [InlineData("edit", "{\"prompt\":\"a house\",\"source\":\"x\",\"wordSteps\":{\"red\":0.5}}", "wordSteps", "{\"red\":0.5} is not an object of texts.")]
    [InlineData("edit", "{\"prompt\":\"a house\",\"source\":\"none\"}", "source", "There is no version \"none\".")]
    [InlineData("generate?parent=none", "{\"prompt\":\"a house\"}", "parent", "There is no version \"none\".")]
    [InlineData("invert", "{\"prompt\":\"a house\",\"picture\":\"none\"}", "picture", "There is no picture \"none\".")]
    public async Task AnErrorNamesItsField(string kind, string body, string field, string sentence)
    {
        var problem = await Refused(shared.Studio, $"/api/projects/PROJECT/{kind}", body);
        Assert.StartsWith($"{field}: {sentence}", problem.Title, StringComparison.Ordinal);
        Assert.Equal([field], problem.Errors!);
        Assert.DoesNotContain("PromptToPrompt", problem.Title, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", problem.Title, StringComparison.Ordinal);
    }

    // "\u00FF" stands for one byte; a surrogate alone is no character, escaped or not.
    [Theory]
    [InlineData("generate", "{\"prompt\":\"\u00FF\"}")]
    [InlineData("generate", "{\"prompt\":\"\u00ED\u00A0\u0080\"}")]
    [InlineData("generate", "{\"prompt\":\"\\uD800\"}")]
    [InlineData("generate", "{\"prompt\":\"a house\",\"negative\":\"\\uDC00\\uD800\"}")]
    [InlineData("generate", "{\"\\uD800\":\"x\",\"prompt\":\"a house\"}")]
    [InlineData("generate", "{\"\u00FF\":\"x\",\"prompt\":\"a house\"}")]
    [InlineData("edit", "{\"prompt\":\"a house\",\"source\":\"x\",\"wordSteps\":{\"\\uD800\":\"0.5\"}}")]
    [InlineData("edit", "{\"prompt\":\"a house\",\"source\":\"x\",\"wordSteps\":{\"red\":\"\\uDFFF\"}}")]
    public async Task TextThatIsNotUnicodeIsRefused(string kind, string body)
    {
        var problem = await Refused(shared.Studio, $"/api/projects/PROJECT/{kind}", body, encoding: Encoding.Latin1);
        Assert.DoesNotContain("System.", problem.Title, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANameThatIsMissingIsAFieldToo()
    {
        Assert.Equal(["name"], (await Refused(shared.Studio, "/api/projects", "{}")).Errors!);
        Assert.Equal(["name"], (await Refused(shared.Studio, "/api/projects", "{\"name\":\" \"}")).Errors!);
    }

    [Fact]
    public async Task TheDocumentDescribesTheBodies()
    {
        var paths = (await TestStudio.Json(await shared.Studio.Http.GetAsync("/openapi/v1.json")))["paths"]!;
        foreach (var (address, schema) in new[] { ("/api/projects", "ProjectBody"), ("/api/projects/{id}/generate", "DrawnRecipe"), ("/api/projects/{id}/edit", "EditedRecipe") })
        {
            var body = paths[address]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!;
            Assert.Equal($"#/components/schemas/{schema}", (string?)body["$ref"]);
        }
    }

    private static async Task<(string Title, IReadOnlyList<string>? Errors)> Refused(TestStudio studio, string address, string body, string type = "application/json", Encoding? encoding = null)
    {
        var project = studio.Store.CreateProject("A test").Id;
        using var content = new ByteArrayContent((encoding ?? Encoding.UTF8).GetBytes(body));
        content.Headers.ContentType = new(type);
        using var answer = await studio.Http.PostAsync(address.Replace("PROJECT", project, StringComparison.Ordinal), content);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = await TestStudio.Json(answer);
        return ((string)problem["title"]!, problem["errors"]?.AsObject().Select(error => error.Key).ToList());
    }
}
