CREATE TRIGGER refused_by_test_controls BEFORE INSERT OR UPDATE ON modelhub_score
    FOR EACH ROW EXECUTE FUNCTION modelhub_testing.refuse_score()
